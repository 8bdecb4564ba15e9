//! The two networks as data: every layer with its shape, and what is counted from that.
//!
//! Only shapes live here; `net` holds weights and runs them.

mod count;
mod layers;

pub use count::Counts;
pub use layers::{Kind, Layer};

/// Side of the aligned crop in pixels, and of the network's input.
pub const INPUT_SIDE: usize = 112;
/// Length of the template that both networks make.
pub const DIMENSION: usize = 512;

/// A network of the MobileFaceNet family, told apart by its width outside the depthwise blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// MobileFaceNet, scale 1.
    MobileFaceNet,
    /// MMobileFaceNet, scale 2.
    MMobileFaceNet,
}

impl Architecture {
    /// Both networks, smaller first.
    pub const ALL: [Architecture; 2] = [Architecture::MobileFaceNet, Architecture::MMobileFaceNet];

    /// The name that recipes, checkpoints and the command line use.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::MobileFaceNet => "mobilefacenet",
            Architecture::MMobileFaceNet => "mmobilefacenet",
        }
    }

    /// The network of that name, if there is one.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    /// The paper's scale `s`: it multiplies the channels between blocks, not the expansions.
    pub fn scale(self) -> usize {
        match self {
            Architecture::MobileFaceNet => 1,
            Architecture::MMobileFaceNet => 2,
        }
    }

    /// Every convolution and linear layer in the order in which they run.
    pub fn layers(self) -> Vec<Layer> {
        layers::layers(self.scale())
    }

    /// The figures by which networks are compared.
    pub fn counts(self) -> Counts {
        Counts::of(&self.layers())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The four rows of the paper's network, identified from its printed figures.
    #[test]
    fn counts_are_the_papers() {
        let s1 = Architecture::MobileFaceNet.counts();
        assert_eq!(s1.parameters, 1_200_512);
        assert_eq!(s1.folded_parameters, 1_190_336);
        assert_eq!(s1.thop, 236_745_728);
        assert_eq!((s1.macs as f64 / 1e4).round(), 22_116.0);
        let s2 = Architecture::MMobileFaceNet.counts();
        assert_eq!(s2.parameters, 2_059_520);
        assert_eq!(s2.folded_parameters, 2_047_616);
        assert_eq!(s2.thop, 456_892_928);
        assert_eq!((s2.macs as f64 / 1e4).round(), 43_752.0);
    }

    #[test]
    fn layers_fit_together() {
        for architecture in Architecture::ALL {
            let layers = architecture.layers();
            for pair in layers.windows(2) {
                assert_eq!(pair[0].outputs, pair[1].inputs, "{} -> {}", pair[0].name, pair[1].name);
                assert_eq!(pair[0].output_side, pair[1].input_side, "{} -> {}", pair[0].name, pair[1].name);
            }
            assert_eq!(layers[0].input_side, INPUT_SIDE);
            assert_eq!(layers.last().unwrap().outputs, DIMENSION);
        }
    }

    #[test]
    fn names_are_found_again() {
        for architecture in Architecture::ALL {
            assert_eq!(Architecture::by_name(architecture.name()), Some(architecture));
        }
        assert_eq!(Architecture::by_name("resnet"), None);
    }
}

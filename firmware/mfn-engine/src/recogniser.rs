//! The recogniser: from an aligned face to its template.

use mfn_template::{Template, TemplateSpace};
use mfn_vision::AlignedFace;

use crate::error::{EngineError, ModelError};
use crate::folder::ModelFolder;
use crate::golden::{self, RecogniserTest};
use crate::guard::Guard;
use crate::manifest::ModelKind;
use crate::network::{Network, Spec};
use crate::planes::Planes;
use crate::precision::Precision;

/// A recogniser that is ready to run; its buffers are reused from face to face.
pub struct Recogniser {
    network: Network,
    planes: Planes,
    space: TemplateSpace,
    dimension: usize,
    precision: Precision,
}

impl Recogniser {
    /// Loads the chosen network of a model folder, behind the guard unless this program knows its hash.
    ///
    /// # Errors
    /// When the folder holds no recogniser, or its network is refused.
    pub fn load(folder: &ModelFolder, guard: &Guard) -> Result<Recogniser, ModelError> {
        let manifest = folder.manifest();
        let Some(part) = &manifest.recogniser else {
            return Err(folder.wrong_kind(ModelKind::Recogniser));
        };
        let spec = Spec {
            input: manifest.input.name.clone(),
            shape: [1, 3, AlignedFace::SIDE, AlignedFace::SIDE],
            outputs: manifest.outputs.clone(),
            lengths: vec![part.dimension],
        };
        Ok(Recogniser {
            network: folder.load_network(&spec, guard)?,
            planes: Planes::new(&manifest.input),
            space: part.space.clone(),
            dimension: part.dimension,
            precision: folder.precision(),
        })
    }

    /// What the templates may be compared with.
    #[must_use]
    pub fn space(&self) -> &TemplateSpace {
        &self.space
    }

    /// Length of the templates.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Computes the template of a face.
    ///
    /// # Errors
    /// When the network fails, or its output has no direction (NaN, infinite, zero).
    pub fn embed(&mut self, face: &AlignedFace) -> Result<Template, EngineError> {
        self.network
            .run(
                |input| self.planes.fill(face.data(), input),
                // The spec has one output.
                |outputs| Template::normalise(outputs[0]),
            )?
            .map_err(|source| EngineError::Template { network: self.network.name().to_owned(), source })
    }

    /// Runs the golden crops of the folder that this recogniser was loaded from.
    ///
    /// # Errors
    /// When a template's cosine to its golden one is under 0.9999 (fp32, fp16) or 0.995 (int8), or a non-mated pair
    /// is more similar than a mated one; or the golden vectors cannot be read.
    pub fn self_test(&mut self, folder: &ModelFolder) -> Result<RecogniserTest, EngineError> {
        let golden = golden::crops(folder)?;
        let mut found = Vec::with_capacity(golden.len());
        for crop in &golden {
            let face = AlignedFace::from_rgb(&crop.picture)
                .ok_or_else(|| self.fails("a golden crop is not 112x112 pixels".into()))?;
            found.push(self.embed(&face)?);
        }
        let test = golden::compare_templates(&golden, &found).map_err(|e| self.fails(e.into()))?;
        self.judge(test)
    }

    fn judge(&self, test: RecogniserTest) -> Result<RecogniserTest, EngineError> {
        let wanted = match self.precision {
            Precision::Fp32 | Precision::Fp16 => 0.9999,
            Precision::Int8 => 0.995,
        };
        if test.lowest_cosine < wanted {
            let reason = format!(
                "a golden crop gives a template of cosine {:.4}, at least {wanted} is needed",
                test.lowest_cosine
            );
            return Err(self.fails(reason));
        }
        if test.lowest_mated <= test.highest_non_mated {
            let reason = format!(
                "two crops of one person have similarity {:.3}, crops of two persons {:.3}",
                test.lowest_mated, test.highest_non_mated
            );
            return Err(self.fails(reason));
        }
        Ok(test)
    }

    fn fails(&self, reason: String) -> EngineError {
        EngineError::SelfTest { network: self.network.name().to_owned(), reason }
    }
}

//! A network's weights on their way from the file into tract's graph: at no time are all of them there twice. What is
//! read is let go of piece by piece, what is decoded tensor by tensor.

use std::collections::HashSet;

use prost::Message;
use prost::bytes::{Buf, Bytes};
use tract_onnx::model::{Onnx, ParseResult};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{ModelProto, TensorProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::konst::Const;

/// Bytes of a file that are let go of together.
const PIECE: usize = 1 << 20;
/// Tensors of so many bytes take the way round tract's reader.
const LARGE: usize = 16 << 10;

/// Decodes a file and lets go of it meanwhile.
///
/// # Errors
/// When the bytes are no such message.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<ModelProto, prost::DecodeError> {
    ModelProto::decode(Pieces::cut(bytes))
}

/// A file in pieces; the next one to read is the last of the list.
struct Pieces {
    pieces: Vec<Bytes>,
    remaining: usize,
}

impl Pieces {
    /// Cuts off from the end, where a vector can be shortened where it lies.
    fn cut(mut bytes: Vec<u8>) -> Pieces {
        let (remaining, mut pieces) = (bytes.len(), Vec::new());
        while bytes.len() > PIECE {
            let start = (bytes.len() - 1) / PIECE * PIECE;
            pieces.push(bytes.split_off(start).into());
            bytes.shrink_to_fit();
        }
        pieces.push(bytes.into());
        Pieces { pieces, remaining }
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.last().map_or(&[], |piece| piece)
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.remaining, "not beyond the end");
        self.remaining -= count;
        while let Some(piece) = self.pieces.last_mut() {
            let step = count.min(piece.len());
            piece.advance(step);
            count -= step;
            if !piece.is_empty() {
                break;
            }
            self.pieces.pop();
        }
    }
}

/// tract's graph of a file that was [checked](crate::onnx_check::parse).
///
/// # Errors
/// When tract cannot read it.
pub(crate) fn graph(onnx: &Onnx, mut proto: ModelProto) -> TractResult<InferenceModel> {
    let weights = take_large(&mut proto);
    // What is not among the constants becomes an input of the model, to be exchanged below.
    let ParseResult { mut model, outlets_by_name, unresolved_inputs } = onnx.parse(&proto, None)?;
    drop(proto);
    let mut missing: HashSet<String> = unresolved_inputs.into_iter().collect();
    for weight in weights {
        if let (Some(&outlet), true) = (outlets_by_name.get(&weight.name), missing.remove(&weight.name)) {
            fill(&mut model, outlet, tensor(&weight)?)?;
        }
    }
    ensure!(missing.is_empty(), "nothing gives {missing:?}");
    Ok(model)
}

/// Large constants of plain floats that are nothing but constants.
fn take_large(proto: &mut ModelProto) -> Vec<TensorProto> {
    let Some(graph) = &mut proto.graph else { return Vec::new() };
    let inputs: HashSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    let large = |tensor: &mut TensorProto| {
        let floats = tensor.data_type == DataType::Float as i32;
        floats && tensor.raw_data.len() >= LARGE && !inputs.contains(tensor.name.as_str())
    };
    graph.initializer.extract_if(.., large).collect()
}

fn tensor(weight: &TensorProto) -> TractResult<Tensor> {
    let dims = weight.dims.iter().map(|&dim| usize::try_from(dim)).collect::<Result<Vec<_>, _>>()?;
    let mut tensor = Tensor::zero::<f32>(&dims)?;
    let (raw, _) = weight.raw_data.as_chunks();
    let mut values = tensor.try_as_plain_ram_mut()?;
    for (value, raw) in values.as_slice_mut::<f32>()?.iter_mut().zip(raw) {
        *value = f32::from_le_bytes(*raw);
    }
    Ok(tensor)
}

/// Makes a constant of an input.
fn fill(model: &mut InferenceModel, input: OutletId, value: Tensor) -> TractResult<()> {
    let value = value.into_arc_tensor();
    model.set_outlet_fact(input, TypedFact::try_from(Arc::clone(&value))?.into())?;
    model.node_mut(input.node).op = Box::new(Const::new(value)?);
    model.inputs.retain(|&other| other != input);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_read_as_the_whole(length in 0usize..3 * PIECE + 2, steps in prop::collection::vec(1usize..PIECE + 9, 1..9)) {
            let whole: Vec<u8> = (0..length).map(|at| (at * 7 / 3) as u8).collect();
            let (mut pieces, mut at) = (Pieces::cut(whole.clone()), 0);
            for step in steps.into_iter().cycle() {
                prop_assert_eq!(pieces.remaining(), length - at);
                if at == length {
                    break;
                }
                let step = step.min(length - at);
                prop_assert_eq!(&pieces.copy_to_bytes(step)[..], &whole[at..at + step]);
                at += step;
            }
            prop_assert!(pieces.chunk().is_empty());
        }
    }
}

//! One network in tract: checked, loaded at a fixed input shape, run on reused buffers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;

use crate::any::Operators;
use crate::blocked;
use crate::dequantise;
use crate::error::EngineError;
use crate::onnx_check;
use crate::prelu;
use crate::weights;

/// Largest ONNX file that is read. The largest network of this project has 8.2 MB; this leaves room and still
/// fits a board's memory.
pub(crate) const MAX_NETWORK: u64 = 64 << 20;

type State = TypedSimpleState;

/// What a network must look like to be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Name of the one input.
    pub input: String,
    /// Its shape: 1, 3, height, width.
    pub shape: [usize; 4],
    /// Names of the outputs that are used, in this order.
    pub outputs: Vec<String>,
    /// How many values each output has; empty: any.
    pub lengths: Vec<usize>,
}

/// A network that is ready to run.
pub(crate) struct Network {
    name: String,
    state: State,
    /// Written before each run; only shared with tract while it runs.
    input: Arc<Tensor>,
    lengths: Vec<usize>,
}

impl Network {
    /// Checks and loads an ONNX file. Takes the bytes over, to let go of them as early as possible.
    ///
    /// # Errors
    /// One sentence on why the file is refused.
    pub(crate) fn load(
        name: &str,
        bytes: Vec<u8>,
        spec: &Spec,
        operators: Operators,
    ) -> Result<Network, String> {
        let proto = onnx_check::parse(bytes, spec)?;
        let plan = plan(name, proto, spec, operators).map_err(|e| one_line(&e))?;
        let state = plan.spawn().map_err(|e| one_line(&e))?;
        let input = Tensor::zero::<f32>(&spec.shape).map_err(|e| one_line(&e))?;
        let lengths = check_outputs(state.model(), spec)?;
        Ok(Network { name: name.to_owned(), state, input: Arc::new(input), lengths })
    }

    /// The name that errors give.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Lets `fill` write the input (planes of red, green and blue or as the network wants them), runs, and
    /// lets `read` look at the outputs in the order of the spec.
    ///
    /// # Errors
    /// When tract fails or an output has another length than the spec says.
    pub(crate) fn run<T>(
        &mut self,
        fill: impl FnOnce(&mut [f32]),
        read: impl FnOnce(&[&[f32]]) -> T,
    ) -> Result<T, EngineError> {
        let outputs = self.run_plan(fill).map_err(|e| self.failed(one_line(&e)))?;
        let slices = outputs
            .iter()
            .map(|output| output.try_as_plain_ram()?.as_slice::<f32>())
            .collect::<TractResult<TVec<&[f32]>>>()
            .map_err(|e| self.failed(one_line(&e)))?;
        if !slices.iter().map(|slice| slice.len()).eq(self.lengths.iter().copied()) {
            return Err(self.failed("an output has another length than at load".into()));
        }
        Ok(read(&slices))
    }

    fn run_plan(&mut self, fill: impl FnOnce(&mut [f32])) -> TractResult<TVec<TValue>> {
        fill(Arc::make_mut(&mut self.input).try_as_plain_ram_mut()?.as_slice_mut::<f32>()?);
        self.state.run(tvec!(TValue::from_const(Arc::clone(&self.input))))
    }

    fn failed(&self, reason: String) -> EngineError {
        EngineError::Run { network: self.name.clone(), reason }
    }
}

/// Each stage lets go of the one before: the protobuf, the graph as read, the graph as optimised.
fn plan(
    name: &str,
    proto: tract_onnx::pb::ModelProto,
    spec: &Spec,
    operators: Operators,
) -> TractResult<Arc<TypedRunnableModel>> {
    let mut onnx = tract_onnx::onnx();
    // Shapes noted by exporters contradict a fixed input ("Impossible to unify Sym(batch) with Val(1)").
    onnx.ignore_value_info = true;
    if operators != Operators::Tract {
        onnx.op_register.insert("PRelu", prelu::build);
        onnx.op_register.insert(dequantise::NAME, dequantise::build);
    }
    let model = weights::graph(&onnx, proto)?.with_input_fact(0, f32::fact(spec.shape).into())?;
    let mut model = model.into_typed()?;
    if let Operators::Own { threads, floats } = operators {
        model = blocked::rewrite(model, name, threads, floats)?;
    }
    model.into_decluttered()?.into_optimized()?.into_runnable()
}

/// The outputs' lengths, which must be those of the spec where it says some.
fn check_outputs(model: &TypedModel, spec: &Spec) -> Result<Vec<usize>, String> {
    let check = |(index, name): (usize, &String)| {
        let fact = model.output_fact(index).map_err(|e| one_line(&e))?;
        if fact.datum_type != f32::datum_type() {
            return Err(format!("output {name:?} is {:?}, not F32", fact.datum_type));
        }
        let found = fact.shape.volume().to_usize().map_err(|e| format!("output {name:?}: {e}"))?;
        match spec.lengths.get(index) {
            Some(&length) if found != length => {
                Err(format!("output {name:?} has {found} values, its manifest needs {length}"))
            }
            _ => Ok(found),
        }
    };
    spec.outputs.iter().enumerate().map(check).collect()
}

/// tract's whole chain of reasons in one line of bearable length.
fn one_line(error: &TractError) -> String {
    let text = format!("{error:#}");
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(300) {
        line.truncate(end);
        line.push_str(" ...");
    }
    line
}

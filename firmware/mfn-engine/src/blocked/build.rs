//! From the nodes of a region to its plan: fusing, then laying out memory.

use std::collections::HashMap;

use tract_onnx::tract_core::internal::*;

use super::meaning::{self, Convolution, Map, Meaning};
use super::memory::{self, Life};
use super::plan::{Exit, Place, Plan, Step, Work};
use super::weights::{pack, pad};

/// A step before its maps have places. Maps are numbered.
struct Draft {
    work: DraftWork,
    from: From,
    also: Option<usize>,
    to: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Input(usize),
    Map(usize),
}

enum DraftWork {
    Convolution { convolution: Convolution, scale: Vec<f32>, slope: Vec<f32> },
    Enter,
    Slope(Vec<f32>),
    Add,
    Pool,
    Double,
}

/// Builds the plan of a region, step by step.
pub(super) struct Builder<'a> {
    model: &'a TypedModel,
    drafts: Vec<Draft>,
    maps: Vec<Map>,
    /// The number of the map at each outlet inside.
    at: HashMap<OutletId, usize>,
    /// Outlets outside that the region reads.
    pub(super) inputs: Vec<OutletId>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(model: &'a TypedModel) -> Builder<'a> {
        Builder { model, drafts: Vec::new(), maps: Vec::new(), at: HashMap::new(), inputs: Vec::new() }
    }

    /// Adds a node of the region; all before it in the order of evaluation have been added.
    pub(super) fn add(&mut self, node: usize, meaning: Meaning) -> TractResult<()> {
        let (outlet, to) = (OutletId::from(node), self.map_at(node.into())?);
        let from = self.variable_inputs(node)?;
        match meaning {
            Meaning::Convolution(convolution) => {
                let plain = convolution.shape.kind == mfn_kernels::conv::Kind::Stem;
                let from =
                    if plain { From::Input(self.input(from[0])) } else { From::Map(self.enter(from[0])?) };
                let work = DraftWork::Convolution { convolution, scale: Vec::new(), slope: Vec::new() };
                self.step(outlet, work, from, None, to);
            }
            Meaning::Scale(values) => self.fold(from[0], outlet, &values, scale)?,
            Meaning::Shift(values) => self.fold(from[0], outlet, &values, shift)?,
            Meaning::Slope(values) => self.slope(from[0], outlet, values, to)?,
            Meaning::Add => self.sum(from[0], from[1], outlet, to)?,
            Meaning::Pool | Meaning::Double => {
                let work = if matches!(meaning, Meaning::Pool) { DraftWork::Pool } else { DraftWork::Double };
                let from = From::Map(self.enter(from[0])?);
                self.step(outlet, work, from, None, to);
            }
            Meaning::Same => {
                let map = self.enter(from[0])?;
                self.at.insert(outlet, map);
            }
        }
        Ok(())
    }

    fn map_at(&self, outlet: OutletId) -> TractResult<Map> {
        meaning::map(self.model, outlet)?.with_context(|| format!("no map at {outlet:?}"))
    }

    /// Inputs that are maps.
    fn variable_inputs(&self, node: usize) -> TractResult<Vec<OutletId>> {
        let inputs = self.model.node(node).inputs.iter().copied();
        inputs
            .filter_map(|input| match meaning::map(self.model, input) {
                Ok(Some(_)) => Some(Ok(input)),
                Ok(None) => None,
                Err(e) => Some(Err(e)),
            })
            .collect()
    }

    fn step(&mut self, outlet: OutletId, work: DraftWork, from: From, also: Option<usize>, to: Map) {
        self.at.insert(outlet, self.maps.len());
        self.drafts.push(Draft { work, from, also, to: self.maps.len() });
        self.maps.push(to);
    }

    fn input(&mut self, outlet: OutletId) -> usize {
        self.inputs.iter().position(|&known| known == outlet).unwrap_or_else(|| {
            self.inputs.push(outlet);
            self.inputs.len() - 1
        })
    }

    /// The map at an outlet; one from outside is brought in first.
    fn enter(&mut self, outlet: OutletId) -> TractResult<usize> {
        if !self.at.contains_key(&outlet) {
            let (input, map) = (self.input(outlet), self.map_at(outlet)?);
            self.step(outlet, DraftWork::Enter, From::Input(input), None, map);
        }
        Ok(self.at[&outlet])
    }

    /// The convolution that made a map, if nothing but the node at hand reads that map and nothing was fused
    /// behind the convolution that would have to come after.
    fn open(&mut self, outlet: OutletId) -> Option<usize> {
        let lone = self.model.outlet_successors(outlet).len() == 1
            && !self.model.output_outlets().ok()?.contains(&outlet);
        let map = *self.at.get(&outlet)?;
        let step = self.drafts.iter().position(|draft| draft.to == map)?;
        let convolves = matches!(self.drafts[step].work, DraftWork::Convolution { .. });
        (lone && convolves && self.drafts[step].also.is_none()).then_some(step)
    }

    fn fold(
        &mut self,
        from: OutletId,
        outlet: OutletId,
        values: &[f32],
        into: fn(&mut Convolution, &mut Vec<f32>, &[f32]),
    ) -> TractResult<()> {
        let step = self.open(from).context("a constant behind something else than a convolution")?;
        if let DraftWork::Convolution { convolution, scale, .. } = &mut self.drafts[step].work {
            into(convolution, scale, values);
        }
        self.at.insert(outlet, self.drafts[step].to);
        Ok(())
    }

    fn slope(&mut self, from: OutletId, outlet: OutletId, values: Vec<f32>, to: Map) -> TractResult<()> {
        if let Some(step) = self.open(from)
            && let DraftWork::Convolution { slope, .. } = &mut self.drafts[step].work
            && slope.is_empty()
        {
            *slope = values;
            self.at.insert(outlet, self.drafts[step].to);
            return Ok(());
        }
        let from = From::Map(self.enter(from)?);
        self.step(outlet, DraftWork::Slope(values), from, None, to);
        Ok(())
    }

    /// The later of the two convolutions takes the other map as its residual.
    fn sum(&mut self, left: OutletId, right: OutletId, outlet: OutletId, to: Map) -> TractResult<()> {
        let (left_map, right_map) = (self.enter(left)?, self.enter(right)?);
        let candidates = [(self.open(left), left_map, right_map), (self.open(right), right_map, left_map)];
        let latest = self.drafts.len();
        for (step, map, other) in candidates {
            let made = self.drafts.iter().position(|draft| draft.to == other).unwrap_or(latest);
            if let Some(step) = step.filter(|&step| made < step) {
                self.drafts[step].also = Some(other);
                self.at.insert(outlet, map);
                return Ok(());
            }
        }
        self.step(outlet, DraftWork::Add, From::Map(left_map), Some(right_map), to);
        Ok(())
    }

    /// The plan, which gives the maps at `outlets`.
    pub(super) fn finish(self, outlets: &[OutletId]) -> Plan {
        let leaving: Vec<usize> = outlets.iter().map(|outlet| self.at[outlet]).collect();
        let (places, memory) = memory::place(&self.lives(&leaving));
        let exit = |&map: &usize| Exit { from: places[map].clone(), channels: self.maps[map].channels };
        let exits = leaving.iter().map(exit).collect();
        let Builder { drafts, maps, .. } = self;
        let steps = drafts.into_iter().map(|draft| draft.finish(&maps, &places)).collect();
        Plan { steps, exits, memory }
    }

    fn lives(&self, leaving: &[usize]) -> Vec<Life> {
        let mut lives: Vec<Life> =
            self.maps.iter().map(|map| Life { length: map.len(), first: 0, last: 0 }).collect();
        for (at, draft) in self.drafts.iter().enumerate() {
            (lives[draft.to].first, lives[draft.to].last) = (at, at);
            let from = if let From::Map(from) = draft.from { Some(from) } else { None };
            for map in from.into_iter().chain(draft.also) {
                lives[map].last = at;
            }
        }
        leaving.iter().for_each(|&map| lives[map].last = self.drafts.len());
        lives
    }
}

impl Draft {
    fn finish(self, maps: &[Map], places: &[std::ops::Range<usize>]) -> Step {
        let (from, size) = match self.from {
            From::Input(input) => (Place::Input(input), [0, 0]),
            From::Map(map) => (Place::Memory(places[map].clone()), maps[map].size),
        };
        let work = match self.work {
            DraftWork::Convolution { convolution, scale, slope } => Work::Convolution {
                weights: pack(&convolution, &scale),
                bias: pad(&convolution.bias),
                slope: pad(&slope),
                shape: convolution.shape,
            },
            DraftWork::Enter => Work::Enter(maps[self.to].channels),
            DraftWork::Slope(slope) => Work::Slope(pad(&slope)),
            DraftWork::Add => Work::Add,
            DraftWork::Pool => Work::Pool(size),
            DraftWork::Double => Work::Double(size),
        };
        let also = self.also.map(|map| places[map].clone());
        Step { work, from, also, to: places[self.to].clone() }
    }
}

fn scale(convolution: &mut Convolution, scale: &mut Vec<f32>, values: &[f32]) {
    scale.resize(values.len(), 1.0);
    scale.iter_mut().zip(values).for_each(|(scale, value)| *scale *= value);
    convolution.bias.iter_mut().zip(values).for_each(|(bias, value)| *bias *= value);
}

fn shift(convolution: &mut Convolution, _scale: &mut Vec<f32>, values: &[f32]) {
    convolution.bias.iter_mut().zip(values).for_each(|(bias, value)| *bias += value);
}

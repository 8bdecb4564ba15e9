//! From the nodes of a region to its plan: fusing, then laying out memory.

use std::collections::HashMap;
use std::num::NonZero;

use mfn_kernels::conv::Kind;
use mfn_kernels::conv::int8::{Grid, image_len, supports};
use tract_onnx::tract_core::internal::*;

use super::draft::{Draft, DraftWork, Form, From, Kept, Layer};
use super::meaning::{self, Convolution, Map, Meaning};
use super::memory::{self, Life};
use super::plan::{Exit, Plan};
use super::rounding;
use super::split::split;
use crate::any::Floats;

/// Values of a map from which on it is worth making in bands: 256 KB, half of a second-level cache.
const LARGE: usize = 64 * 1024;

/// Builds the plan of a region, step by step.
pub(super) struct Builder<'a> {
    pub(super) model: &'a TypedModel,
    pub(super) drafts: Vec<Draft>,
    pub(super) maps: Vec<Kept>,
    /// The number of the map at each outlet inside.
    pub(super) at: HashMap<OutletId, usize>,
    /// Outlets that are another outlet's values rounded to a grid; a map in bytes comes to be when it is read.
    pub(super) rounded: HashMap<OutletId, (OutletId, Grid)>,
    /// Outlets outside that the region reads.
    pub(super) inputs: Vec<OutletId>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(model: &'a TypedModel) -> Builder<'a> {
        let (at, rounded) = (HashMap::new(), HashMap::new());
        Builder { model, drafts: Vec::new(), maps: Vec::new(), at, rounded, inputs: Vec::new() }
    }

    /// Adds a node of the region; all before it in the order of evaluation have been added.
    pub(super) fn add(&mut self, node: usize, meaning: Meaning) -> TractResult<()> {
        let outlet = OutletId::from(node);
        let first = self.model.node(node).inputs[0];
        if let Meaning::Quantise(grid) = meaning {
            self.rounded.insert(outlet, (first, grid));
            return Ok(());
        }
        if let (Meaning::Dequantise | Meaning::Same, Some(&rounded)) = (&meaning, self.rounded.get(&first)) {
            self.rounded.insert(outlet, rounded);
            return Ok(());
        }
        let (from, to) = (self.variable_inputs(node)?, self.map_at(outlet)?);
        match meaning {
            Meaning::Convolution(convolution) => self.convolution(from[0], outlet, convolution, to)?,
            Meaning::Scale(values) => self.fold(from[0], outlet, &values, scale)?,
            Meaning::Shift(values) => self.fold(from[0], outlet, &values, shift)?,
            Meaning::Slope(values) => self.slope(from[0], outlet, values, to)?,
            Meaning::Add => self.sum(from[0], from[1], outlet, to)?,
            Meaning::Pool => self.plain(DraftWork::Pool, from[0], outlet, to)?,
            Meaning::Double => self.plain(DraftWork::Double, from[0], outlet, to)?,
            Meaning::Same => {
                let map = self.enter(from[0])?;
                self.at.insert(outlet, map);
            }
            Meaning::Quantise(_) | Meaning::Dequantise => bail!("bytes that nothing was rounded to"),
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

    /// A step that writes a new map; its number.
    pub(super) fn step(&mut self, work: DraftWork, from: From, also: Option<usize>, to: Kept) -> usize {
        self.drafts.push(Draft { work, from, also, to: self.maps.len(), bytes: None });
        self.maps.push(to);
        self.maps.len() - 1
    }

    /// A step from one map of floats to another.
    fn plain(&mut self, work: DraftWork, from: OutletId, outlet: OutletId, to: Map) -> TractResult<()> {
        let from = From::Map(self.enter(from)?);
        let map = self.step(work, from, None, Kept::floats(to));
        self.at.insert(outlet, map);
        Ok(())
    }

    fn input(&mut self, outlet: OutletId) -> usize {
        self.inputs.iter().position(|&known| known == outlet).unwrap_or_else(|| {
            self.inputs.push(outlet);
            self.inputs.len() - 1
        })
    }

    /// The map of floats at an outlet; one from outside is brought in first, one in bytes turned back.
    pub(super) fn enter(&mut self, outlet: OutletId) -> TractResult<usize> {
        if let Some(&map) = self.at.get(&outlet) {
            return Ok(map);
        }
        let to = Kept::floats(self.map_at(outlet)?);
        let map = if let Some(&(source, grid)) = self.rounded.get(&outlet) {
            let bytes = self.bytes(source, grid)?;
            self.step(DraftWork::Dequantise, From::Map(bytes), None, to)
        } else {
            let input = self.input(outlet);
            self.step(DraftWork::Enter, From::Input(input), None, to)
        };
        self.at.insert(outlet, map);
        Ok(map)
    }

    /// The map of an outlet's values in bytes of a grid.
    fn bytes(&mut self, source: OutletId, grid: Grid) -> TractResult<usize> {
        let from = self.enter(source)?;
        if let Some(map) = self.written_bytes(from, grid) {
            return Ok(map);
        }
        let map = self.maps[from].map;
        let to = Kept::bytes(map, grid, map.len());
        Ok(self.step(DraftWork::Quantise, From::Map(from), None, to))
    }

    /// The map in bytes of a map of floats, without another step: written already, or by the step that writes the floats.
    pub(super) fn written_bytes(&mut self, floats: usize, grid: Grid) -> Option<usize> {
        let of_grid = |map: &usize| self.maps[*map].form == Form::Bytes(grid);
        let quantises =
            |draft: &&Draft| matches!(draft.work, DraftWork::Quantise) && draft.from == From::Map(floats);
        let known = self.drafts.iter().filter(quantises).map(|draft| draft.to).find(of_grid);
        let maker = self.drafts.iter().position(|draft| draft.to == floats)?;
        let second = self.drafts[maker].bytes;
        if known.is_some() || second.is_some() || !self.drafts[maker].is_int8() {
            return second.filter(of_grid).or(known);
        }
        self.drafts[maker].bytes = Some(self.maps.len());
        let map = self.maps[floats].map;
        self.maps.push(Kept::bytes(map, grid, map.len()));
        self.drafts[maker].bytes
    }

    /// A convolution over bytes if it reads bytes and its weights are integers, else over floats.
    fn convolution(
        &mut self,
        from: OutletId,
        outlet: OutletId,
        convolution: Convolution,
        to: Map,
    ) -> TractResult<()> {
        let (shape, stem) = (convolution.shape, convolution.shape.kind == Kind::Stem);
        let rounded = self.rounded.get(&from).copied().filter(|_| supports(&shape));
        let (integers, from) = match (rounded, rounded.and_then(|_| rounding::integers(&convolution))) {
            (Some((source, grid)), Some(integers)) => {
                let map = if stem { self.image(source, grid)? } else { self.bytes(source, grid)? };
                (Some(integers), From::Map(map))
            }
            _ if stem => (None, From::Input(self.input(from))),
            _ => (None, From::Map(self.enter(from)?)),
        };
        let layer = Layer { convolution, scale: Vec::new(), slope: Vec::new(), integers, rounded: None };
        let map = self.step(DraftWork::Convolution(Box::new(layer)), from, None, Kept::floats(to));
        self.at.insert(outlet, map);
        Ok(())
    }

    /// An image from outside in bytes.
    fn image(&mut self, source: OutletId, grid: Grid) -> TractResult<usize> {
        let map = self.map_at(source)?;
        let (from, to) = (From::Input(self.input(source)), Kept::bytes(map, grid, image_len(map.size)));
        Ok(self.step(DraftWork::Image, from, None, to))
    }

    /// The convolution that made a map, if nothing but the node at hand reads that map and nothing was fused
    /// behind the convolution that would have to come after.
    pub(super) fn open(&self, outlet: OutletId) -> Option<usize> {
        let map = *self.at.get(&outlet)?;
        let step = self.drafts.iter().position(|draft| draft.to == map)?;
        let draft = &self.drafts[step];
        let convolves = matches!(draft.work, DraftWork::Convolution(_));
        (self.lone(outlet) && convolves && draft.also.is_none() && draft.bytes.is_none()).then_some(step)
    }

    /// Whether one node reads an outlet, and nothing else.
    pub(super) fn lone(&self, outlet: OutletId) -> bool {
        let leaves = self.model.output_outlets().is_ok_and(|outlets| outlets.contains(&outlet));
        self.model.outlet_successors(outlet).len() == 1 && !leaves
    }

    /// The convolution of a step.
    pub(super) fn layer(&mut self, step: usize) -> Option<&mut Layer> {
        match &mut self.drafts[step].work {
            DraftWork::Convolution(layer) => Some(layer),
            _ => None,
        }
    }

    fn fold(
        &mut self,
        from: OutletId,
        outlet: OutletId,
        values: &[f32],
        into: fn(&mut Layer, &[f32]),
    ) -> TractResult<()> {
        let step = self.open(from).context("a constant behind something else than a convolution")?;
        if let Some(layer) = self.layer(step) {
            into(layer, values);
        }
        self.at.insert(outlet, self.drafts[step].to);
        Ok(())
    }

    fn slope(&mut self, from: OutletId, outlet: OutletId, values: Vec<f32>, to: Map) -> TractResult<()> {
        if let Some(step) = self.open(from)
            && let Some(layer) = self.layer(step)
            && layer.slope.is_empty()
        {
            layer.slope = values;
            self.at.insert(outlet, self.drafts[step].to);
            return Ok(());
        }
        self.plain(DraftWork::Slope(values), from, outlet, to)
    }

    /// The plan for so many threads, which gives the maps at `outlets`.
    pub(super) fn finish(
        mut self,
        outlets: &[OutletId],
        threads: NonZero<usize>,
        floats: Floats,
    ) -> TractResult<Plan> {
        let mut leaving = outlets.iter().map(|&o| self.enter(o)).collect::<TractResult<Vec<usize>>>()?;
        if floats == Floats::F16 {
            self.halve(&mut leaving);
        }
        self.pair(&leaving)?;
        let (places, memory) = memory::place(&self.lives(&leaving));
        let exit = |&map: &usize| Exit { from: places[map].clone(), channels: self.maps[map].map.channels };
        let exits = leaving.iter().map(exit).collect();
        let Builder { drafts, maps, .. } = self;
        let steps = drafts.into_iter().map(|draft| draft.finish(&maps, &places));
        Plan::new(steps.map(|step| split(step, threads.get())).collect(), exits, memory)
    }

    /// Joins each 1x1 convolution to the planes that alone read its large map, which then takes no memory.
    fn pair(&mut self, leaving: &[usize]) -> TractResult<()> {
        let mut at = 0;
        while at < self.drafts.len() {
            if let Some(first) = self.paired(at, leaving) {
                at -= 1;
                let (first, second) = (self.drafts.remove(first), self.drafts.remove(at));
                self.maps[first.to].length = 0;
                self.drafts.insert(at, first.join(second)?);
            }
            at += 1;
        }
        Ok(())
    }

    /// The step that makes the large map which only this step reads, if both are a pair.
    fn paired(&self, second: usize, leaving: &[usize]) -> Option<usize> {
        let From::Map(between) = self.drafts[second].from else { return None };
        let readers = self.drafts.iter().flat_map(Draft::reads).chain(leaving.iter().copied());
        let lone = readers.filter(|&map| map == between).count() == 1;
        let first = self.drafts[..second].iter().position(|draft| draft.to == between)?;
        let large = self.maps[between].length >= LARGE;
        (lone && large && self.drafts[first].is_pair(&self.drafts[second])).then_some(first)
    }

    /// When each map is needed; one that nothing reads in floats takes no memory if it is there in bytes.
    fn lives(&self, leaving: &[usize]) -> Vec<Life> {
        let mut lives: Vec<Life> =
            self.maps.iter().map(|map| Life { length: map.length, first: 0, last: 0 }).collect();
        let mut read = vec![false; lives.len()];
        for (at, draft) in self.drafts.iter().enumerate() {
            draft.writes().for_each(|map| (lives[map].first, lives[map].last) = (at, at));
            draft.reads().for_each(|map| (lives[map].last, read[map]) = (at, true));
        }
        leaving.iter().for_each(|&map| (lives[map].last, read[map]) = (self.drafts.len(), true));
        let unread = self.drafts.iter().filter(|draft| draft.bytes.is_some() && !read[draft.to]);
        unread.for_each(|draft| lives[draft.to].length = 0);
        lives
    }
}

fn scale(layer: &mut Layer, values: &[f32]) {
    layer.scale.resize(values.len(), 1.0);
    layer.scale.iter_mut().zip(values).for_each(|(scale, value)| *scale *= value);
    layer.convolution.bias.iter_mut().zip(values).for_each(|(bias, value)| *bias *= value);
}

fn shift(layer: &mut Layer, values: &[f32]) {
    layer.convolution.bias.iter_mut().zip(values).for_each(|(bias, value)| *bias += value);
}

//! A rewrite of tract's graph: what our kernels can do runs in few operators, in one blocked layout.
//!
//! Each node is asked what it [means](meaning) in terms of feature maps. Nodes that mean something are collected
//! into regions, a region becomes a [`Plan`](plan) of fused steps over one piece of memory, and one operator
//! runs the plan in place of the region. So nothing is transposed, packed or allocated between two layers.
//! What has no meaning here, an odd kernel size say, stays with tract, between regions.
//!
//! Where a convolution reads a [rounded](rounding) map and its weights are integers of a step, too, the step is one
//! over [bytes](int8). Any map may be rounded or not: the plan keeps it in floats, in bytes or in both, as it is read.
//!
//! On demand convolutions are computed in floats of 16 bits ([half]); what has no such form, and what leaves a region,
//! stays in 32.
//!
//! With several threads each convolution is [split] by output channels, which run at the same time.
//!
//! The rewrite looks at patterns, never at names: any network that has them profits.

mod build;
mod draft;
mod half;
mod int8;
mod meaning;
mod memory;
mod op;
mod plan;
mod rounding;
mod split;
mod sum;
mod weights;

use std::collections::HashSet;
use std::num::NonZero;

use mfn_kernels::conv::Kind;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::Conv;
use tract_onnx::tract_core::ops::dummy::Dummy;
use tract_onnx::tract_core::ops::konst::Const;

use crate::any::Floats;
use meaning::Meaning;
/// A region with fewer convolutions is not worth the way into the layout and out of it.
const FEWEST_CONVOLUTIONS: usize = 2;

/// Replaces every region that is worth it. The model is typed and not decluttered yet: tract's own rewrites take
/// the patterns apart.
pub(crate) fn rewrite(
    mut model: TypedModel,
    network: &str,
    threads: NonZero<usize>,
    floats: Floats,
) -> TractResult<TypedModel> {
    model.prop_consts()?;
    let order = model.eval_order()?;
    let mut meanings: Vec<Option<Meaning>> = vec![None; model.nodes().len()];
    for &node in &order {
        meanings[node] = meaning::of(&model, node)?;
    }
    settle(&model, &order, &mut meanings);
    let regions = regions(&model, &order, &meanings);
    let inside: HashSet<usize> = regions.iter().flatten().copied().collect();
    let_go(&mut model, &inside, &meanings);
    for region in regions {
        let replaced = op::replace(&model, &region, &mut meanings, threads, floats)?;
        replaced.apply(&mut model)?;
    }
    report(&model, network);
    Ok(model)
}

/// Leaves the weights of convolutions inside of regions to their meanings, so that they go as they are packed.
fn let_go(model: &mut TypedModel, inside: &HashSet<usize>, meanings: &[Option<Meaning>]) {
    let convolves =
        |node: usize| inside.contains(&node) && matches!(meanings[node], Some(Meaning::Convolution(_)));
    let weights: Vec<OutletId> = (0..model.nodes().len())
        .filter(|&node| convolves(node))
        .map(|node| model.node(node).inputs[1])
        .filter(|&weight| {
            model.outlet_successors(weight).iter().all(|reader| convolves(reader.node) && reader.slot == 1)
        })
        .collect();
    for weight in weights {
        let node = model.node_mut(weight.node);
        node.outputs[weight.slot].fact = f32::fact([0_usize; 0]);
        node.op = Box::new(Dummy);
    }
}

/// Takes back meanings that hold only behind a convolution, or only before one of the image itself.
fn settle(model: &TypedModel, order: &[usize], meanings: &mut [Option<Meaning>]) {
    use Meaning::{Convolution, Scale, Shift};
    for &node in order {
        let Some(from) = variable(model, node) else { continue };
        let behind = matches!(meanings[from.node], Some(Convolution(_) | Scale(_) | Shift(_)))
            && model.outlet_successors(from).len() == 1;
        let holds = match &meanings[node] {
            Some(Scale(_) | Shift(_)) => behind,
            Some(Convolution(c)) if c.shape.kind == Kind::Stem => {
                meanings[from.node].is_none() || rounded_image(model, meanings, from, c)
            }
            _ => true,
        };
        if !holds {
            meanings[node] = None;
        }
    }
}

/// Whether a stem with integer weights reads an image from outside that is rounded on the way.
fn rounded_image(
    model: &TypedModel,
    meanings: &[Option<Meaning>],
    from: OutletId,
    stem: &meaning::Convolution,
) -> bool {
    let back = matches!(meanings[from.node], Some(Meaning::Dequantise));
    let source = |node: usize| model.node(node).inputs[0].node;
    back && meanings[source(source(from.node))].is_none() && rounding::integers(stem).is_some()
}

/// The first input of a node that is not constant.
fn variable(model: &TypedModel, node: usize) -> Option<OutletId> {
    let is_map = |input: &&OutletId| matches!(meaning::map(model, **input), Ok(Some(_)));
    model.node(node).inputs.iter().find(is_map).copied()
}

/// Sets of nodes with a meaning such that no path leaves one and comes back, in the order of evaluation.
///
/// A node's level is the number of times that a path to it has come from nodes without meaning into nodes with
/// one; a path never goes down a level, so all nodes of one level can be computed at once.
fn regions(model: &TypedModel, order: &[usize], meanings: &[Option<Meaning>]) -> Vec<Vec<usize>> {
    let mut levels = vec![0; model.nodes().len()];
    for &node in order {
        let from = model.node(node).inputs.iter().map(|input| input.node);
        let from = from.filter(|&from| !model.node(from).op_is::<Const>());
        let enters = |from: usize| usize::from(meanings[node].is_some() && meanings[from].is_none());
        levels[node] = from.map(|from| levels[from] + enters(from)).max().unwrap_or(0);
    }
    let last = levels.iter().copied().max().unwrap_or(0);
    let region = |level: usize| -> Vec<usize> {
        order.iter().copied().filter(|&n| levels[n] == level && meanings[n].is_some()).collect()
    };
    let worth = |region: &Vec<usize>| {
        let convolves = |&&n: &&usize| matches!(meanings[n], Some(Meaning::Convolution(_)));
        region.iter().filter(convolves).count() >= FEWEST_CONVOLUTIONS
    };
    (0..=last).map(region).filter(worth).collect()
}

/// Says once what stayed with tract.
fn report(model: &TypedModel, network: &str) {
    let used: HashSet<usize> = model.eval_order().unwrap_or_default().into_iter().collect();
    let left = |node: &&TypedNode| used.contains(&node.id) && node.op_is::<Conv>();
    let names: Vec<&str> = model.nodes().iter().filter(left).map(|node| node.name.as_str()).collect();
    if let Some(first) = names.first() {
        log::info!("{network}: {} convolutions, {first:?} first, are left to tract's operators", names.len());
    }
}

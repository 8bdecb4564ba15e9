//! A run's state as one safetensors file, written whole or not at all.
//!
//! Tensors are named `now/NAME`, `first/NAME`, `second/NAME` and `average/NAME`; the header holds a
//! version, the network, the counts, and what was best so far.

use super::learning::State;
use crate::net::{Parameter, ParameterSet, Role};
use crate::optim::Moments;
use anyhow::{Context, Result, anyhow, bail, ensure};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Raised whenever files of before can no longer be read.
const VERSION: &str = "1";

/// What the header says beside the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Name of the network.
    pub network: String,
    /// Fingerprint of the data.
    pub data: String,
}

/// Writes the state beside `path` and moves it there once it is on disk.
pub fn save(path: &Path, header: &Header, state: &State) -> Result<()> {
    let failed = || format!("checkpoint {}: not written; the one before is untouched", path.display());
    let meta = HashMap::from([
        ("version".to_string(), VERSION.to_string()),
        ("network".to_string(), header.network.clone()),
        ("data".to_string(), header.data.clone()),
        ("seen".to_string(), state.seen.to_string()),
        ("steps".to_string(), state.moments.steps.to_string()),
    ]);
    let buffers = buffers(state);
    let views = buffers
        .iter()
        .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)));
    let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>().with_context(failed)?;
    let bytes = serialize(views, Some(meta)).with_context(failed)?;
    write_whole(path, &bytes).with_context(failed)
}

/// Writes a file through a temporary one in the same folder.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut file = File::create(&part)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| std::fs::rename(&part, path)) {
        let _ = std::fs::remove_file(&part);
        return Err(error);
    }
    match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

type Buffer = (String, Vec<usize>, Vec<u8>);

fn buffers(state: &State) -> Vec<Buffer> {
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let mut all = Vec::new();
    for (i, parameter) in state.set.list.iter().enumerate() {
        let mut push = |kind: &str, values: Option<&Vec<f32>>| {
            if let Some(values) = values.filter(|v| v.len() == parameter.values.len()) {
                all.push((format!("{kind}/{}", parameter.name), parameter.shape.clone(), bytes(values)));
            }
        };
        push("now", Some(&parameter.values));
        push("first", state.moments.first.get(i));
        push("second", state.moments.second.get(i));
        push("average", state.averaged.get(i));
    }
    all
}

/// What stands in a checkpoint's header.
struct About {
    network: String,
    texts: HashMap<String, String>,
}

impl About {
    /// Of a checkpoint of this program's version.
    fn read(bytes: &[u8]) -> Result<Self> {
        let (_, meta) = SafeTensors::read_metadata(bytes).context("it is no checkpoint")?;
        let mut about = Self { network: String::new(), texts: meta.metadata().clone().unwrap_or_default() };
        let version = about.text("version")?;
        ensure!(version == VERSION, "it is of version {version}; this program reads version {VERSION}");
        about.network = about.text("network")?.into();
        Ok(about)
    }

    fn text(&self, key: &str) -> Result<&str> {
        self.texts.get(key).map(String::as_str).with_context(|| format!("its header has no `{key}`"))
    }
}

/// The network that a checkpoint holds.
///
/// # Errors
/// When the file cannot be read, is no checkpoint, or one of another version.
pub fn network_of(path: &Path) -> Result<String> {
    let within = || format!("checkpoint {}", path.display());
    let bytes = std::fs::read(path).context("cannot be read").with_context(within)?;
    Ok(About::read(&bytes).with_context(within)?.network)
}

/// Reads a checkpoint into the shape of `fresh`, a state of the same recipe.
pub fn load(path: &Path, header: &Header, fresh: State) -> Result<State> {
    let bytes =
        std::fs::read(path).with_context(|| format!("checkpoint {}: cannot be read", path.display()))?;
    read(&bytes, header, fresh).map_err(|e| anyhow!("checkpoint {}: {e:#}", path.display()))
}

fn read(bytes: &[u8], header: &Header, mut state: State) -> Result<State> {
    let about = About::read(bytes)?;
    let network = &about.network;
    ensure!(
        *network == header.network,
        "it holds the network {network}; the recipe asks for {}",
        header.network
    );
    if about.text("data")? != header.data {
        log::warn!("the data is not what the run began with; it goes on with the data that is there now");
    }
    let number =
        |key: &str| about.text(key)?.parse::<u64>().with_context(|| format!("its `{key}` is no number"));
    (state.seen, state.moments.steps) = (number("seen")?, number("steps")?);
    let tensors = SafeTensors::deserialize(bytes)?;
    for (i, parameter) in state.set.list.iter_mut().enumerate() {
        let name = parameter.name.clone();
        let len = parameter.values.len();
        parameter.values = values(&tensors, "now", &name, len)?;
        if parameter.role != Role::Statistic {
            state.moments.first[i] = values(&tensors, "first", &name, len)?;
            if let Some(second) = state.moments.second.get_mut(i) {
                *second = values(&tensors, "second", &name, len)?;
            }
        }
        if let Some(average) = state.averaged.get_mut(i) {
            // A run that begins to average goes on from the weights that it has.
            *average = values(&tensors, "average", &name, len).unwrap_or_else(|_| parameter.values.clone());
        }
    }
    Ok(state)
}

fn values(tensors: &SafeTensors, kind: &str, name: &str, len: usize) -> Result<Vec<f32>> {
    let full = format!("{kind}/{name}");
    let tensor = tensors.tensor(&full).map_err(|_| anyhow!("it has no tensor `{full}`"))?;
    if tensor.dtype() != Dtype::F32 || tensor.data().len() != 4 * len {
        bail!("its tensor `{full}` has shape {:?}, which is not {len} numbers", tensor.shape());
    }
    let float = |b: &[u8]| f32::from_le_bytes(b.try_into().expect("four bytes"));
    Ok(tensor.data().chunks_exact(4).map(float).collect())
}

/// The weights alone, for evaluation and export: `set` under the names of a checkpoint.
pub fn weights_only(set: ParameterSet, seen: u64) -> State {
    State { set, moments: Moments::default(), averaged: Vec::new(), seen }
}

/// The network's parameters of a checkpoint: averaged where there are such, else the current ones.
pub fn shipped(path: &Path, network: &str, fresh: ParameterSet) -> Result<ParameterSet> {
    let bytes =
        std::fs::read(path).with_context(|| format!("checkpoint {}: cannot be read", path.display()))?;
    let within = |e: anyhow::Error| anyhow!("checkpoint {}: {e:#}", path.display());
    let holds = About::read(&bytes).map_err(within)?.network;
    ensure!(holds == network, "checkpoint {}: it holds the network {holds}, not {network}", path.display());
    let tensors = SafeTensors::deserialize(&bytes)?;
    let mut set = fresh;
    for Parameter { name, values: numbers, .. } in &mut set.list {
        let found = values(&tensors, "average", name, numbers.len())
            .or_else(|_| values(&tensors, "now", name, numbers.len()));
        *numbers = found.map_err(within)?;
    }
    Ok(set)
}

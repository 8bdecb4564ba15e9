//! From a checkpoint to a model folder: ONNX with batch norms folded, manifest, golden pictures and faces.

use super::arch::{OUTPUTS, Plan, STRIDES};
use super::decode::faces;
use super::network::DetectorNetwork;
use super::targets::Grid;
use crate::arch::Layer;
use crate::data::normalise;
use crate::device::cpu;
use crate::export::{FoldedLayer, convolution, fold_layer, prelu, whole_folder};
use crate::manifest::{Input, Manifest, Output};
use crate::net::{Bound, ParameterSet, floats};
use crate::onnx::{Size, Writer, int, ints, text};
use anyhow::{Context, Result, ensure};
use burn::tensor::{Tensor, TensorData};
use mfn_engine::{Detector, DetectorOptions, DetectorTest, Guard, ModelFolder};
use mfn_vision::photo::{self, PhotoLimits};
use mfn_vision::{Detection, RgbImage, fit};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the file of golden faces.
const GOLDEN: &str = "golden.json";
/// Name of the graph's input, `[1, 3, H, W]`, RGB, (pixel - 127.5) / 127.5.
const INPUT: &str = "input";
/// The kinds of outputs with how many numbers each has a cell, in the order of the raw outputs.
const KINDS: [(&str, i64); 4] = [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)];
/// Size of the golden pictures: the device's usual one.
const GOLDEN_SIZE: (u32, u32) = (320, 256);
/// The golden faces are those of at least this score, after suppression at the first overlap, none averaged, as the
/// engine's self-test has it.
const GOLDEN_SCORE: f32 = 0.5;
const GOLDEN_OVERLAPS: [f32; 2] = [0.3, 1.0];

/// What was written, and how the engine's faces compare with those of the training graph.
#[derive(Clone, Debug)]
pub struct Written {
    /// Bytes of the network's file.
    pub bytes: usize,
    /// Golden pictures.
    pub pictures: usize,
    /// The engine's comparison.
    pub test: DetectorTest,
}

/// The network's file; any height and width that are multiples of 32 go in.
///
/// # Errors
/// When a parameter is missing, of another length, or not finite.
pub fn to_onnx(name: &str, set: &ParameterSet) -> Result<Vec<u8>> {
    let plan = Plan::default();
    let mut graph = Graph { writer: Writer::new(name), set };
    let scales = graph.writer.floats("twice".into(), &[4], &[1.0, 1.0, 2.0, 2.0]);
    let sizes = KINDS.map(|(_, numbers)| numbers);
    let splits = graph.writer.longs("splits".into(), &[KINDS.len()], &sizes);
    let shape = graph.writer.longs("rows".into(), &[3], &[1, -1, OUTPUTS as i64]);
    let map8 = graph.chain(INPUT, &plan.backbone[0])?;
    let map16 = graph.chain(&map8, &plan.backbone[1])?;
    let map32 = graph.chain(&map16, &plan.backbone[2])?;
    let sum16 = graph.add_doubled(&map16, &map32, &scales);
    let map16 = graph.chain(&sum16, &plan.neck[1])?;
    let sum8 = graph.add_doubled(&map8, &map16, &scales);
    let map8 = graph.chain(&sum8, &plan.neck[0])?;
    for (level, map) in [map8, map16, map32].iter().enumerate() {
        let map = graph.chain(map, &plan.heads[level])?;
        graph.outputs(level, &map, &plan.outputs[level], (&shape, &splits))?;
    }
    let input = [Size::Fixed(1), Size::Fixed(3), Size::Any("height".into()), Size::Any("width".into())];
    let outputs: Vec<(String, Vec<Size>)> = output_names().into_iter().map(outline).collect();
    let outputs: Vec<(&str, &[Size])> = outputs.iter().map(|(n, s)| (n.as_str(), s.as_slice())).collect();
    Ok(graph.writer.finish_open((INPUT, &input), &outputs))
}

/// A name with the shape `[1, cells, numbers]`.
fn outline(name: String) -> (String, Vec<Size>) {
    let numbers = KINDS.iter().find(|(kind, _)| name.starts_with(kind)).map_or(1, |(_, n)| *n);
    let cells = match name.rsplit('_').next() {
        Some("8") => "cells_8",
        Some("16") => "cells_16",
        _ => "cells_32",
    };
    (name, vec![Size::Fixed(1), Size::Any(cells.into()), Size::Fixed(numbers as usize)])
}

/// The outputs in the engine's order: cls at all strides, then obj, bbox, kps.
fn output_names() -> Vec<String> {
    KINDS.iter().flat_map(|(kind, _)| STRIDES.map(|stride| format!("{kind}_{stride}"))).collect()
}

struct Graph<'a> {
    writer: Writer,
    set: &'a ParameterSet,
}

impl Graph<'_> {
    fn chain(&mut self, input: &str, layers: &[Layer]) -> Result<String> {
        let mut x = input.to_string();
        for layer in layers {
            let folded = fold_layer(layer.clone(), self.set)?;
            x = convolution(&mut self.writer, &x, &folded);
            x = prelu(&mut self.writer, x, &folded);
        }
        Ok(x)
    }

    /// The coarser map doubled, each cell four times, and added.
    fn add_doubled(&mut self, map: &str, coarser: &str, scales: &str) -> String {
        let attributes = vec![
            text("coordinate_transformation_mode", "asymmetric"),
            text("mode", "nearest"),
            text("nearest_mode", "floor"),
        ];
        let inputs = vec![coarser.into(), String::new(), scales.into()];
        let doubled = self.writer.node("Resize", format!("{coarser}.doubled"), inputs, attributes);
        self.writer.node("Add", format!("{map}.sum"), vec![map.into(), doubled], vec![])
    }

    fn outputs(
        &mut self,
        level: usize,
        map: &str,
        layer: &Layer,
        (shape, splits): (&str, &str),
    ) -> Result<()> {
        let stride = STRIDES[level];
        let raw = convolution(&mut self.writer, map, &plain(layer, self.set)?);
        let last = self.writer.node(
            "Transpose",
            format!("{raw}.last"),
            vec![raw.clone()],
            vec![ints("perm", &[0, 2, 3, 1])],
        );
        let rows = self.writer.node("Reshape", format!("{raw}.rows"), vec![last, shape.into()], vec![]);
        let names = KINDS.map(|(kind, _)| match kind {
            "cls" | "obj" => format!("{kind}_{stride}.raw"),
            _ => format!("{kind}_{stride}"),
        });
        self.writer.split(format!("{raw}.split"), vec![rows, splits.into()], &names, vec![int("axis", 2)]);
        for (name, (kind, _)) in names.into_iter().zip(KINDS).take(2) {
            self.writer.node("Sigmoid", format!("{kind}_{stride}"), vec![name], vec![]);
        }
        Ok(())
    }
}

/// A layer that has a bias of its own and no batch norm.
fn plain(layer: &Layer, set: &ParameterSet) -> Result<FoldedLayer> {
    let values = |part: &str| {
        let name = format!("{}.{part}", layer.name);
        let place = set.place(&name).with_context(|| format!("parameter {name} is missing"))?;
        let values = set.list[place].values.clone();
        ensure!(values.iter().all(|v| v.is_finite()), "parameter {name} holds numbers that are not finite");
        anyhow::Ok(values)
    };
    Ok(FoldedLayer { weight: values("weight")?, bias: values("bias")?, slope: None, layer: layer.clone() })
}

/// Writes network, golden pictures with their faces, and manifest to `out`, a folder that must not exist yet.
/// `photographs` is a folder of pictures with a face.
///
/// # Errors
/// When `out` exists or cannot be written, no face is found in the photographs, or the engine does not take or
/// reproduce the network; nothing is left.
pub fn export(
    out: &Path,
    (name, licence): (&str, &str),
    set: &ParameterSet,
    photographs: &Path,
) -> Result<Written> {
    let onnx = to_onnx(name, set)?;
    let pictures = golden_pictures(photographs)?;
    let golden = golden_faces(set, &pictures)?;
    let faces: usize = golden.iter().map(Vec::len).sum();
    ensure!(faces > 0, "no face is found in the pictures of {}: train longer", photographs.display());
    whole_folder(out, |folder| {
        let mut manifest = manifest(name, licence);
        manifest.put(folder, &format!("{name}.onnx"), &onnx)?;
        for (file, picture) in &pictures {
            manifest.put(folder, file, &png(picture)?)?;
        }
        manifest.put(folder, GOLDEN, golden_text(&pictures, &golden).as_bytes())?;
        manifest.write(folder)?;
        Ok(Written { bytes: onnx.len(), pictures: pictures.len(), test: check(folder)? })
    })
}

fn manifest(name: &str, licence: &str) -> Manifest {
    Manifest {
        version: 1,
        kind: "detector".into(),
        name: name.into(),
        licence: licence.into(),
        template_space: None,
        golden: GOLDEN.into(),
        input: Input {
            name: INPUT.into(),
            size: None,
            channels: "rgb".into(),
            mean: [127.5; 3],
            scale: [127.5; 3],
        },
        output: Output { names: output_names(), dimension: None },
        networks: BTreeMap::from([("fp32".into(), format!("{name}.onnx"))]),
        thresholds: None,
        files: BTreeMap::new(),
    }
}

/// Has the engine find the golden faces.
fn check(folder: &Path) -> Result<DetectorTest> {
    let opened = ModelFolder::open(folder).context("the engine does not take the exported folder")?;
    let options =
        DetectorOptions { width: GOLDEN_SIZE.0, height: GOLDEN_SIZE.1, ..DetectorOptions::default() };
    // The file was made a moment ago by this very program.
    let mut detector = Detector::load(&opened, options, &Guard::trusted())?;
    Ok(detector.self_test(&opened)?)
}

/// The pictures of a folder by name, each fitted into the golden size.
fn golden_pictures(folder: &Path) -> Result<Vec<(String, RgbImage)>> {
    let within = || format!("golden pictures {}", folder.display());
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(within)? {
        let path = entry.with_context(within)?.path();
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        if ["jpg", "jpeg", "png", "webp"].contains(&ending.as_str()) {
            let picture = photo::load(&path, &PhotoLimits::default()).with_context(within)?;
            let mut fitted = RgbImage::new(GOLDEN_SIZE.0, GOLDEN_SIZE.1);
            fit(&picture, &mut fitted);
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            all.push((format!("{stem}-{}x{}.png", GOLDEN_SIZE.0, GOLDEN_SIZE.1), fitted));
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    ensure!(!all.is_empty(), "golden pictures {}: there is no picture", folder.display());
    Ok(all)
}

/// The faces that the training graph finds in each picture, in evaluation mode.
fn golden_faces(set: &ParameterSet, pictures: &[(String, RgbImage)]) -> Result<Vec<Vec<Detection>>> {
    let device = cpu();
    let (network, bound) = (DetectorNetwork::new(set)?, Bound::new(set, &device, false));
    let (width, height) = (GOLDEN_SIZE.0 as usize, GOLDEN_SIZE.1 as usize);
    let grid = Grid { batch: 1, width, height };
    let one = |(_, picture): &(String, RgbImage)| {
        let mut input = vec![0.0; 3 * width * height];
        normalise(picture.data(), &mut input);
        let input = Tensor::from_data(TensorData::new(input, [1, 3, height, width]), &device);
        let outputs = floats(network.evaluate(&bound, input))?;
        Ok(faces(&outputs, &grid, 0, GOLDEN_SCORE, GOLDEN_OVERLAPS))
    };
    pictures.iter().map(one).collect()
}

fn golden_text(pictures: &[(String, RgbImage)], golden: &[Vec<Detection>]) -> String {
    let entry = |face: &Detection| {
        let (r, points) = (face.face, face.landmarks.0.map(|p| [p.x, p.y]));
        json!({ "score": face.score, "box": [r.x, r.y, r.w, r.h], "points": points })
    };
    let faces: BTreeMap<&str, Vec<_>> = pictures
        .iter()
        .zip(golden)
        .map(|((name, _), f)| (name.as_str(), f.iter().map(entry).collect()))
        .collect();
    let file = json!({
        "input": "8-bit RGB picture as PNG; the network sees (pixel - 127.5) / 127.5",
        "output": "faces of score >= 0.5 after non-maximum suppression at IoU 0.3, best first; box x, y, w, h; points left eye, right eye, nose, left and right mouth corner (left is the image's)",
        "runtime": concat!("training graph of mfn-export ", env!("CARGO_PKG_VERSION"), " in evaluation mode"),
        "faces": faces,
    });
    format!("{file:#}\n")
}

fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let (width, height) = (picture.width(), picture.height());
    let picture = image::RgbImage::from_raw(width, height, picture.data().to_vec()).context("a picture")?;
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}

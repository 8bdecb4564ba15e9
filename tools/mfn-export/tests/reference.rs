//! Losses with their gradients, and optimiser steps, against PyTorch's numbers
//! (`reference/reference.json`, made by the script beside it).

use burn::tensor::{Device, Tensor, TensorData};
use mfn_export::loss;
use mfn_export::net::{Parameter, ParameterSet, Role, floats};
use mfn_export::optim::{Moments, step};
use mfn_export::recipe::{Margin, MarginKind, Optimiser, OptimiserKind};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/reference.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

fn tensor<const D: usize>(value: &Value, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(value), shape), &Device::flex().autodiff())
}

#[track_caller]
fn near(got: &[f32], expected: &[f32]) {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(1e-3_f32, |m, x| m.max(x.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= 2e-4 * largest, "at {i}: {g} instead of {e}");
    }
}

#[track_caller]
fn loss_is(loss: &Tensor<1>, expected: &Value) {
    near(&floats(loss.clone().detach()).unwrap(), &[expected.as_f64().unwrap() as f32]);
}

#[test]
fn distillation() {
    let all = reference();
    let teacher = tensor(&all["distil"]["teacher"], [4, 6]);
    for (name, of) in
        [("cosine", loss::cosine as fn(Tensor<2>, Tensor<2>) -> Tensor<1>), ("pairwise", loss::pairwise)]
    {
        let student = tensor(&all["distil"]["student"], [4, 6]).require_grad();
        let loss = of(loss::normalise(student.clone()), teacher.clone());
        let expected = &all["distil"][name];
        loss_is(&loss, &expected["loss"]);
        let gradient = student.grad(&loss.backward()).unwrap();
        near(&floats(gradient).unwrap(), &numbers(&expected["gradient"]));
    }
}

#[test]
fn hints() {
    let all = &reference()["hint"];
    let map = tensor(&all["map"], [2, 16, 3, 3]).require_grad();
    let adapter = tensor(&all["adapter"], [16, 5]).require_grad();
    let bias = tensor(&all["bias"], [5]).require_grad();
    let teacher = tensor(&all["teacher"], [18, 5]);
    let loss = loss::hint(mfn_train_ops::to_blocked(map.clone()), adapter.clone(), bias.clone(), teacher);
    loss_is(&loss, &all["loss"]);
    let gradients = loss.backward();
    near(&floats(map.grad(&gradients).unwrap()).unwrap(), &numbers(&all["map_gradient"]));
    near(&floats(adapter.grad(&gradients).unwrap()).unwrap(), &numbers(&all["adapter_gradient"]));
    near(&floats(bias.grad(&gradients).unwrap()).unwrap(), &numbers(&all["bias_gradient"]));
}

#[test]
fn margins() {
    let all = &reference()["margins"];
    let labels: Vec<usize> = numbers(&all["labels"]).into_iter().map(|l| l as usize).collect();
    for (name, kind) in
        [("magface", MarginKind::MagFace), ("arcface", MarginKind::ArcFace), ("cosface", MarginKind::CosFace)]
    {
        let how = Margin { kind, weight: 1.0, scale: 64.0, margin: 0.5, centres: 1.0 };
        let features = tensor(&all["features"], [5, 8]).require_grad();
        let centres = tensor(&all["centres"], [4, 8]).require_grad();
        let loss = loss::margin(&how, features.clone(), centres.clone(), &labels);
        loss_is(&loss, &all[name]["loss"]);
        let gradients = loss.backward();
        near(&floats(features.grad(&gradients).unwrap()).unwrap(), &numbers(&all[name]["features_gradient"]));
        near(&floats(centres.grad(&gradients).unwrap()).unwrap(), &numbers(&all[name]["centres_gradient"]));
    }
}

#[test]
fn optimisers() {
    let all = &reference()["optimisers"];
    for (name, kind, rate, decay) in
        [("sgd", OptimiserKind::Sgd, 0.1, 5e-4), ("adamw", OptimiserKind::AdamW, 0.01, 0.05)]
    {
        let how = Optimiser {
            kind,
            learning_rate: rate,
            weight_decay: decay,
            momentum: 0.9,
            beta2: 0.999,
            sam_rho: 0.0,
            clip: 0.0,
            average: 0.0,
        };
        let of = |role| Parameter { name: "w".into(), shape: vec![6], role, values: numbers(&all["start"]) };
        let mut set = ParameterSet { list: vec![of(Role::Weight)] };
        let mut moments = Moments::new(&set, kind);
        for (gradient, expected) in
            all["gradients"].as_array().unwrap().iter().zip(all[name].as_array().unwrap())
        {
            step(&mut set, &[numbers(gradient)], &mut moments, &how, rate);
            near(&set.list[0].values, &numbers(expected));
        }
    }
}

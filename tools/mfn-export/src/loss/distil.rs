//! Losses towards a teacher: its features, their similarities to each other, its inner maps.

use burn::tensor::Tensor;

/// Mean of 1 - cosine between rows that both have length one: `[N, D]` each.
pub fn cosine(student: Tensor<2>, teacher: Tensor<2>) -> Tensor<1> {
    (student * teacher).sum_dim(1).mean().neg() + 1.0
}

/// Squared differences of all pairwise similarities, summed and divided by the batch (the
/// similarity-preserving loss of Tung and Mori 2019 on normalised rows).
pub fn pairwise(student: Tensor<2>, teacher: Tensor<2>) -> Tensor<1> {
    let [batch, _] = student.dims();
    let between = |rows: Tensor<2>| rows.clone().matmul(rows.transpose());
    let difference = between(student) - between(teacher);
    difference.powi_scalar(2).sum() / batch as f32
}

/// Mean square error between a stage's blocked map `[N, C/16, H, W, 16]` through the 1x1 adapter
/// (`[C, T]` and `[T]`) and the teacher's map with its channels last, `[N * H * W, T]`.
pub fn hint(map: Tensor<5>, adapter: Tensor<2>, bias: Tensor<1>, teacher: Tensor<2>) -> Tensor<1> {
    let [n, blocks, h, w, block] = map.dims();
    let rows = map.permute([0, 2, 3, 1, 4]).reshape([n * h * w, blocks * block]);
    let adapted = rows.matmul(adapter) + bias.unsqueeze();
    (adapted - teacher).powi_scalar(2).mean()
}

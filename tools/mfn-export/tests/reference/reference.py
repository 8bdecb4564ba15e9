"""Expected values for tests/reference.rs, by PyTorch: losses with gradients, and optimiser steps.

Run as `python3 reference.py > reference.json`; the test reads only the JSON.
"""
import json
import torch
import torch.nn.functional as F

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)


def flat(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().reshape(-1).tolist()]


def distil():
    student = torch.randn(4, 6, requires_grad=True)
    teacher = F.normalize(torch.randn(4, 6))
    out = {"student": flat(student), "teacher": flat(teacher)}
    s = F.normalize(student)
    losses = {
        "cosine": (1 - (s * teacher).sum(1)).mean(),
        "pairwise": ((s @ s.T - teacher @ teacher.T) ** 2).sum() / 4,
    }
    for name, loss in losses.items():
        (gradient,) = torch.autograd.grad(loss, student, retain_graph=True)
        out[name] = {"loss": float(loss), "gradient": flat(gradient)}
    return out


def hint():
    features = torch.randn(2, 16, 3, 3, requires_grad=True)
    adapter = torch.randn(16, 5, requires_grad=True)
    bias = torch.randn(5, requires_grad=True)
    teacher = torch.randn(2 * 9, 5)
    conv = F.conv2d(features, adapter.T.reshape(5, 16, 1, 1), bias)
    loss = F.mse_loss(conv.permute(0, 2, 3, 1).reshape(-1, 5), teacher)
    g = torch.autograd.grad(loss, [features, adapter, bias])
    return {
        "map": flat(features), "adapter": flat(adapter), "bias": flat(bias), "teacher": flat(teacher),
        "loss": float(loss), "map_gradient": flat(g[0]), "adapter_gradient": flat(g[1]), "bias_gradient": flat(g[2]),
    }


def margins():
    features = 20 * torch.randn(5, 8)
    features.requires_grad_()
    centres = torch.randn(4, 8, requires_grad=True)
    labels = torch.tensor([0, 3, 1, 1, 2])
    out = {"features": flat(features), "centres": flat(centres), "labels": labels.tolist()}
    scale, margin = 64.0, 0.5
    length = features.norm(dim=1)
    a = length.clamp(10, 110)
    cos = F.normalize(features) @ F.normalize(centres).T
    one_hot = F.one_hot(labels, 4).bool()

    def additive_angle(m):
        sin = (1 - cos**2).clamp(min=0).sqrt()
        shifted = cos * torch.cos(m) - sin * torch.sin(m)
        # Beyond pi - m the angle cannot grow: InsightFace's fallback keeps the loss falling with cos.
        shifted = torch.where(cos > torch.cos(torch.pi - m), shifted, cos - torch.sin(torch.pi - m) * m)
        return F.cross_entropy(scale * torch.where(one_hot, shifted, cos), labels)

    magnitude = (0.8 - 0.45) / (110 - 10) * (a - 10) + 0.45
    losses = {
        "arcface": additive_angle(torch.full((5, 1), margin)),
        "cosface": F.cross_entropy(scale * torch.where(one_hot, cos - margin, cos), labels),
        "magface": additive_angle(magnitude.reshape(5, 1)) + 35 * (a / 110**2 + 1 / a).mean(),
    }
    for name, loss in losses.items():
        g = torch.autograd.grad(loss, [features, centres], retain_graph=True)
        out[name] = {"loss": float(loss), "features_gradient": flat(g[0]), "centres_gradient": flat(g[1])}
    return out


def optimisers():
    start, gradients = torch.randn(6), torch.randn(3, 6)
    out = {"start": flat(start), "gradients": [flat(g) for g in gradients]}
    makers = {
        "sgd": lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9, dampening=0, weight_decay=5e-4),
        "adamw": lambda w: torch.optim.AdamW(w, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05),
    }
    for name, maker in makers.items():
        weights = start.clone().requires_grad_()
        optimiser = maker([weights])
        out[name] = []
        for gradient in gradients:
            weights.grad = gradient.clone()
            optimiser.step()
            out[name].append(flat(weights))
    return out


print(json.dumps({"distil": distil(), "hint": hint(), "margins": margins(), "optimisers": optimisers()}))

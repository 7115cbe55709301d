"""The number format that a device multiplies fastest."""

from __future__ import annotations

import torch


def fastest_dtype(device: torch.device) -> torch.dtype:
    """Return ``bfloat16`` where there are units for it, else ``float32``.

    Sums are kept in ``float32`` either way; only factors are rounded.

    Examples:
        >>> fastest_dtype(torch.device("cpu")) in (torch.bfloat16, torch.float32)
        True
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    # told by newer versions of torch only; without an answer the safe format is taken
    told = getattr(torch.cpu, "get_capabilities", dict[str, object])()
    has_units = told.get("amx_bf16") or told.get("avx512_bf16")
    return torch.bfloat16 if has_units else torch.float32


def fast(device: torch.device) -> torch.autocast:
    """Return a context in which matrices are multiplied in the fastest format.

    It holds for the calling thread only.
    """
    dtype = fastest_dtype(device)
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16)

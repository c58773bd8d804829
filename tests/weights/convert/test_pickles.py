"""Pickles are read as data: nothing in them runs, nothing is larger than the file."""

import io
import os
import pickle
import struct
import time
import zipfile

import numpy as np
import pytest
from support.forging import (
    Call,
    Named,
    Storage,
    as_state,
    assert_one_line,
    forged,
    numbers,
    torch_legacy,
    torch_tensor,
    torch_zip,
)

from jaxstyle.weights import registry
from jaxstyle.weights.convert import layouts, torch_files


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXSTYLE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_the_reader_agrees_with_torch(zipped, tmp_path):
    torch = pytest.importorskip("torch")
    random = torch.Generator().manual_seed(0)
    base = torch.randn(6, 8, generator=random)
    state = {
        "plain": base,
        "view": base[1:4, ::2].t(),
        "half": base.half(),
        "brain": base.bfloat16(),
        "double": base.double(),
        "count": torch.tensor(7),
        "flag": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(base * 2),
        "nested": {"inner": base + 1},
    }
    path = tmp_path / "state.pth"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    expected = torch.load(path)
    expected["nested.inner"] = expected.pop("nested")["inner"]
    with path.open("rb") as file:
        tensors = torch_files.read(file)
        assert tensors.keys() == expected.keys()
        for name, tensor in expected.items():
            assert tensors[name].shape == tuple(tensor.shape)
            array = tensors[name].read()
            np.testing.assert_array_equal(
                array.astype(np.float64), tensor.detach().double().numpy()
            )


# ---- Hostile files: nothing that they ask for happens.


def attack(sentinel, system=os.system.__module__ + ".system"):
    return Call(Named(system), f"touch {sentinel}")


def object_array(sentinel):
    dtype = Call(Named("numpy.dtype"), "O8", False, True)
    dtype.state = (3, "|", None, None, None, -1, -1, 63)
    array = Call(Named("numpy.core.multiarray._reconstruct"), Named("numpy.ndarray"), (0,), b"b")
    array.state = (1, (1,), dtype, False, [attack(sentinel)])
    return array


def raw_opcodes(body):
    return lambda sentinel: pickle.PROTO + b"\x02" + body(str(sentinel).encode()) + b"."


def call_by(opcode):
    """`os.system` under the opcodes that call without REDUCE."""
    module = os.system.__module__.encode()
    if opcode == pickle.INST:
        return lambda path: b"(X" + text(path) + b"i" + module + b"\nsystem\n"
    if opcode == pickle.OBJ:
        return lambda path: b"(c" + module + b"\nsystem\nX" + text(path) + b"o"
    return lambda path: b"c" + module + b"\nsystem\nX" + text(path) + b"\x85" + opcode


def text(path):
    command = b"touch " + path
    return struct.pack("<I", len(command)) + command


HOSTILE = {
    "os.system": attack,
    "eval": lambda s: Call(Named("builtins.eval"), f"open({str(s)!r}, 'w')"),
    "exec in Python 2": lambda s: Call(Named("__builtin__.eval"), f"open({str(s)!r}, 'w')"),
    "getattr chain": lambda s: Call(
        Call(Named("builtins.getattr"), Call(Named("builtins.__import__"), "os"), "system"),
        f"touch {s}",
    ),
    "attribute of an allowed name": lambda s: Call(
        Named("collections.OrderedDict.fromkeys"), [f"touch {s}"], attack(s)
    ),
    "numpy.load": lambda s: Call(Named("numpy.load"), str(s), None, True),
    "torch.load": lambda s: Call(Named("torch.serialization.load"), str(s)),
    "storage from bytes": lambda s: Call(Named("torch.storage._load_from_bytes"), pickle.dumps(1)),
    "object array": object_array,
    "object dtype": lambda s: Call(Named("numpy.dtype"), "O8", False, True),
    "structured dtype": lambda s: Call(
        Named("numpy.dtype"), "f4", False, True, state=(3, "<", None, ("x",), attack(s), 4, 4, 0)
    ),
    "state of an OrderedDict": lambda s: Call(
        Named("collections.OrderedDict"), state={"_metadata": attack(s)}
    ),
    "hooks of a tensor": lambda s: Call(
        Named("torch._utils._rebuild_tensor_v2"), Storage("0", 1), 0, (1,), (1,), False, attack(s)
    ),
    "call of text": lambda s: Call("os.system", f"touch {s}"),
    "call of a symbol": lambda s: Call(Named("numpy.ndarray"), (1 << 40,)),
    "call of a storage": lambda s: Call(Named("torch.FloatStorage"), 1 << 40),
    "state of a symbol": lambda s: Call(
        Named("numpy.ndarray"), state=(None, {"__call__": attack(s)})
    ),
    "reconstruct another class": lambda s: Call(
        Named("numpy.core.multiarray._reconstruct"), Named("os.system"), (0,), b"b"
    ),
    "INST": raw_opcodes(call_by(pickle.INST)),
    "OBJ": raw_opcodes(call_by(pickle.OBJ)),
    "NEWOBJ": raw_opcodes(call_by(pickle.NEWOBJ)),
    "EXT1": raw_opcodes(lambda path: b"\x82\x01"),
    "STACK_GLOBAL": lambda s: pickle.dumps(
        {"x": type("P", (), {"__reduce__": lambda _: (os.system, (f"touch {s}",))})()}, protocol=4
    ),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("pack", [lambda content: content, torch_zip, torch_legacy])
def test_nothing_in_a_pickle_is_executed(pack, hostile, tmp_path):
    sentinel, path = tmp_path / "sentinel", tmp_path / "hostile.pth"
    made = hostile(sentinel)
    content = made if isinstance(made, bytes) else forged({"features.0.weight": made})
    path.write_bytes(pack(content))
    with pytest.raises(ValueError, match=r"cannot use hostile\.pth") as error:
        registry.import_file("mine", path)
    assert_one_line(error)
    assert not sentinel.exists()
    assert "mine" not in [row["name"] for row in registry.listing()]


def test_those_attacks_are_real(tmp_path):
    """The same forged bytes do run under the standard library's unpickler."""
    sentinel = tmp_path / "sentinel"
    pickle.loads(forged({"x": attack(sentinel)}))
    assert sentinel.exists()


def test_a_refused_name_is_reported(tmp_path):
    path = tmp_path / "hostile.pth"
    path.write_bytes(forged({"x": Call(Named("builtins.eval\x1b[31m"), "1")}))
    with pytest.raises(ValueError, match=r"refused: it asks for 'builtins\.eval") as error:
        layouts.read(path)
    assert "\x1b" not in str(error.value)


def numpy_array(shape, data, code="f4"):
    dtype = Call(Named("numpy.dtype"), code, False, True)
    dtype.state = (3, "<", None, None, None, -1, -1, 0)
    array = Call(Named("numpy._core.multiarray._reconstruct"), Named("numpy.ndarray"), (0,), b"b")
    array.state = (1, shape, dtype, False, data)
    return array


def many(depth=30):
    """30 dictionaries that stand for 2³⁰."""
    tree = {}
    for _ in range(depth):
        tree = {"a": tree, "b": tree}
    return forged(tree)


LIARS = {
    "array longer than its bytes": lambda: forged({"x": numpy_array((1 << 40,), b"\0" * 4)}, 3),
    "zip storage shorter than claimed": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 100), (100,))}, {"0": b"\0" * 40}
    ),
    "zip storage absent": lambda: torch_zip({"x": torch_tensor(Storage("0", 1), (1,))}),
    "zip storage outside": lambda: torch_zip({"x": torch_tensor(Storage("../0", 1), (1,))}),
    "zip storage compressed": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 1 << 20), (1 << 20,))},
        {"0": b"\0" * (1 << 22)},
        zipfile.ZIP_DEFLATED,
    ),
    "tensor beyond its storage": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 10), (11,))}, {"0": b"\0" * 40}
    ),
    "tensor by offset": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 10), (5,), offset=6)}, {"0": b"\0" * 40}
    ),
    "tensor before its storage": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 10), (5,), stride=(-1,))}, {"0": b"\0" * 40}
    ),
    "huge by zero strides": lambda: torch_zip(
        {"x": torch_tensor(Storage("0", 10), (1 << 40,), stride=(0,))}, {"0": b"\0" * 40}
    ),
    "legacy storage shorter than claimed": lambda: torch_legacy(
        {"x": torch_tensor(Storage("0", 1 << 40), (1 << 40,))}, {"0": b"\0" * 40}
    ),
    "legacy storage unlisted": lambda: torch_legacy({"x": torch_tensor(Storage("0", 1), (1,))}),
    "bytes longer than the file": lambda: b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"abc.",
    "dictionary in itself": lambda: b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.",
    "exponentially many": many,
    "deeply nested key": lambda: b"\x80\x02})" + b"\x85" * 200_000 + b"Ns.",
    "nothing on the stack": lambda: b"\x80\x02R.",
    "no end": lambda: b"\x80\x02}",
    "memo out of reach": lambda: b"\x80\x02j\xff\xff\xff\xff.",
}


@pytest.mark.parametrize("lie", LIARS.values(), ids=LIARS.keys())
def test_claims_beyond_the_file_are_refused(lie, tmp_path):
    path = tmp_path / "liar.pth"
    path.write_bytes(lie())
    started = time.process_time()
    with pytest.raises(ValueError, match=r"cannot use liar\.pth") as error:
        layouts.read(path)
    assert_one_line(error)
    assert time.process_time() - started < 2


def test_a_mangled_file_never_does_worse_than_a_one_line_error(tmp_path):
    small = {"x": numbers()[:60].reshape(3, 20), "y": numbers()[60:70]}
    state, storages = as_state(small, numbers())
    random = np.random.default_rng(0)
    path = tmp_path / "mangled.pth"
    for pack in (torch_zip, torch_legacy):
        whole = np.frombuffer(pack(state, storages), np.uint8)
        for _ in range(150):
            mangled = whole.copy()
            mangled[random.integers(len(whole), size=4)] = random.integers(256, size=4)
            path.write_bytes(mangled[: random.integers(1, len(whole) + 1)].tobytes())
            with pytest.raises(ValueError, match=r"cannot use mangled\.pth") as error:
                layouts.read(path)
            assert_one_line(error)


# ---- A plain pickle of tensors holds each storage as a small file of its own.


def nested(data):
    """What `pickle.dump` of a tensor makes of its storage."""
    return Call(Named("torch.storage._load_from_bytes"), data)


def storage_file(numbers, wrap=lambda value: value):
    storage = Storage("0", numbers.size)
    return torch_legacy(forged(wrap(storage)), {"0": numbers.tobytes()})


def rebuilt(storage, shape):
    tensor = torch_tensor(Storage("0", 0), shape)
    tensor.arguments = (storage, *tensor.arguments[1:])
    return tensor


def test_a_plain_pickle_of_tensors_is_read():
    numbers = np.arange(6, dtype=np.float32)
    content = forged({"conv1.weight": rebuilt(nested(storage_file(numbers)), (2, 3))}, 4)
    tensors = torch_files.read(io.BytesIO(content))
    np.testing.assert_array_equal(tensors["conv1.weight"].read(), numbers.reshape(2, 3))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a file",
        forged(7),
        storage_file(np.zeros(2, np.float32)),  # too short for the tensor
        storage_file(np.zeros(6, np.float32))[:-3],
        storage_file(np.zeros(6, np.float32), lambda storage: [storage]),
        torch_legacy(forged(nested(storage_file(np.zeros(6, np.float32))))),
        torch_legacy(forged(Call(Named("os.system"), "true"))),
    ],
)
def test_a_nested_storage_is_only_a_storage(data):
    content = forged({"weight": rebuilt(nested(data), (2, 3))}, 4)
    with pytest.raises((ValueError, IndexError)):
        torch_files.read(io.BytesIO(content))

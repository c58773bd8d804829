"""Programs: as of `jax.jit`, with options of the compiler where XLA knows them."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.small import compilations

from jaxstyle._util import programs
from jaxstyle._util.programs import Program, program

on_a_cpu = pytest.mark.skipif(jax.default_backend() != "cpu", reason="options are of a CPU's")


@pytest.fixture(autouse=True)
def without_cached_options():
    programs._options.cache_clear()
    yield
    programs._options.cache_clear()


@on_a_cpu
def test_the_option_reaches_the_compiler(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "")
    assert programs._options() == {"xla_cpu_use_fusion_emitters": False}
    double = Program(lambda x: 2 * x + 0.125)
    with compilations() as compiled:
        double.lower(jnp.ones(7)).compile()
        np.testing.assert_array_equal(double(jnp.ones(7)), np.full(7, 2.125))
    assert sum("lambda" in name for name in compiled) == 1


@on_a_cpu
@pytest.mark.parametrize(("flag", "count"), [("", 0), ("=true", 0), ("=false", 1)])
def test_a_flag_of_the_user_overrides_it(flag, count, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", f"--xla_any=false --xla_cpu_use_fusion_emitters{flag}")
    assert len(programs._options()) == count


def test_an_unknown_option_is_left_out(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setattr(programs, "_QUICK", {"xla_cpu_what_no_version_has": False})
    assert programs._options() == {}


@pytest.mark.parametrize("flags", ["", "--xla_cpu_use_fusion_emitters=true"])
def test_arguments_are_those_of_jit(flags, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", flags)

    @program(static_argnames="count")
    def repeated(x, *, count):
        """Repeat."""
        return jnp.tile(x, count)

    assert repeated.__doc__ == "Repeat."
    assert repeated(jnp.arange(3), count=2).shape == (6,)
    nested = partial(repeated.nested, count=3)
    assert jax.eval_shape(nested, jnp.arange(3)).shape == (9,)
    assert jax.vmap(nested)(jnp.ones((4, 3))).shape == (4, 9)

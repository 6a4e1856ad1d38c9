"""Write the golden files anew: `python -m tests.plugins.channels.shopify.regenerate`, then review the difference.

A golden file is what a person has compared with the source document line by line; a change in it is a change of what
the hub believes, and is reviewed as such.
"""

import json

from tests.peers import fixtures_folder
from tests.plugins.channels.shopify.documents import golden_of, report, sources


def main() -> None:
    root = fixtures_folder()
    for source in sources(root):
        text = json.dumps(report(source.read_bytes()), ensure_ascii=False, indent=1)
        golden_of(source, root).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

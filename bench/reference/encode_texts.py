"""The CPU seconds and the number of tokens of Python's `tokenizers` on FOLDER/texts.json, as JSON.

    python3 bench/reference/encode_texts.py FOLDER   # with tokenizer.json; started by bench/tokenize.mjs
"""

import json
import sys
import time
from pathlib import Path

from tokenizers import Tokenizer

folder = Path(sys.argv[1])
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_truncation()
tokenizer.no_padding()
texts = json.loads((folder / "texts.json").read_text())
start = time.process_time()
encoded = tokenizer.encode_batch(texts)
seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "tokens": sum(len(text.ids) for text in encoded)}))

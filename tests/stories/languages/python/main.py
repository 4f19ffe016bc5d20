import os

import aunsight
import six

arguments = aunsight.arguments()
aunsight.status("adding up", 0.5)
with open("prepared.txt", encoding="utf-8") as file:
    print(file.read().strip())
print("the key is", os.environ["API_KEY"])
aunsight.write_output(
    {
        "label": arguments["label"],
        "total": sum(arguments["numbers"]),
        "greeting": os.environ["GREETING"],
        "key_length": len(os.environ["API_KEY"]),
        "dependency": six.__version__,
    }
)

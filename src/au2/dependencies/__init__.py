"""What a package asks for beside its own files, as one layer of the image.

Two containers on the runtime do the work, and neither has a network: one resolves (and builds what
comes as source), one installs. On their loopback they find a gateway (:mod:`.gateway`) that hands
out what the operator's index has, and takes back what they made.
"""

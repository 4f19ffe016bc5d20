"""What is tried in each runtime: imports and a small computation, which says what it found."""

TORCH = """\
import torch
left = torch.arange(6, dtype=torch.float64).reshape(2, 3)
product = left @ left.T
assert product.tolist() == [[5.0, 14.0], [14.0, 50.0]], product
assert product.numpy().sum() == 83.0
layer = torch.nn.Linear(3, 1)
loss = layer(left.float()).square().sum()
loss.backward()
assert layer.weight.grad is not None
print("tried: torch", torch.__version__, "matmul, autograd, to NumPy")
"""

TENSORFLOW = """\
import tensorflow as tf
left = tf.constant([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
product = tf.linalg.matmul(left, left, transpose_b=True)
assert product.numpy().tolist() == [[5.0, 14.0], [14.0, 50.0]], product
print("tried: tensorflow", tf.__version__, "matmul, to NumPy")
"""

SNOWFLAKE = """\
import pandas
import snowflake.connector
import snowflake.connector.pandas_tools
import snowflake.snowpark
import snowflake.snowpark.functions
from snowflake.connector.options import installed_pandas
assert installed_pandas
frame = pandas.DataFrame({"a": [1, 1, 2], "b": [1.0, 2.0, 4.0]})
assert frame.groupby("a").b.sum().to_dict() == {1: 3.0, 2: 4.0}
versions = snowflake.connector.__version__, snowflake.snowpark.__version__, pandas.__version__
print("tried: connector %s, snowpark %s, pandas %s group-by" % (
    versions[0], ".".join(map(str, versions[1])) if isinstance(versions[1], tuple) else versions[1],
    versions[2]))
"""

XGBOOST = (
    SNOWFLAKE
    + """\
import numpy, sklearn, xgboost
from sklearn.linear_model import LogisticRegression
random = numpy.random.default_rng(1)
points = random.normal(size=(400, 3))
classes = (points[:, 0] * points[:, 1] > 0).astype(int)
model = xgboost.XGBClassifier(n_estimators=40, max_depth=4).fit(points, classes)
score = (model.predict(points) == classes).mean()
assert score > 0.95, score
assert LogisticRegression().fit(points, points[:, 0] > 0).score(points, points[:, 0] > 0) > 0.95
print("tried: xgboost %s fit, scikit-learn %s fit" % (xgboost.__version__, sklearn.__version__))
"""
)

CODES = {
    "Python3.11": "import ssl, sqlite3, json\nprint('tried: the standard library')\n",
    "Python3.11 Torch": TORCH,
    "Python3.8 Torch": TORCH,
    "Python3.11 Tensorflow": TENSORFLOW,
    "SF Runtime": SNOWFLAKE,
    "SF-XGB Runtime": XGBOOST,
}
"""By runtime, in the order in which they are built: a base comes first."""

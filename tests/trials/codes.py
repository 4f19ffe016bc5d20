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

DATA_SCIENCE = """\
import io, time
began = time.monotonic()
import matplotlib, numpy, pandas, pyarrow, scipy, sklearn
import matplotlib.pyplot as pyplot
from scipy.stats import linregress
from sklearn.ensemble import RandomForestRegressor
spent = time.monotonic() - began
frame = pandas.DataFrame({"a": [1, 1, 2], "b": [1.0, 2.0, 4.0]})
file = io.BytesIO()
frame.to_parquet(file)
assert pandas.read_parquet(io.BytesIO(file.getvalue())).groupby("a").b.sum().to_dict() == {
    1: 3.0, 2: 4.0}
line = linregress(numpy.arange(5), 2 * numpy.arange(5) + 1)
assert abs(line.slope - 2) < 1e-9
points = numpy.random.default_rng(1).normal(size=(400, 3))
model = RandomForestRegressor(random_state=1).fit(points, points[:, 0])
assert model.score(points, points[:, 0]) > 0.95
figure, axes = pyplot.subplots()
axes.plot([1, 2, 3])
picture = io.BytesIO()
figure.savefig(picture, format="png")
assert picture.getvalue().startswith(b"\\x89PNG")
names = numpy, pandas, scipy, sklearn, matplotlib, pyarrow
print("tried:", ", ".join(f"{one.__name__} {one.__version__}" for one in names),
      f"(imported in {spent:.1f} s): regression, forest, plot, Parquet")
"""

STANDARD_LIBRARY = """\
import ctypes, hashlib, json, lzma, sqlite3, ssl, sys, zoneinfo
sqlite3.connect(":memory:").execute("select 1")
assert ssl.create_default_context().get_ca_certs(), "certificates"
print("tried: the standard library of", sys.version.split()[0])
"""

JAVASCRIPT = """\
const crypto = require('node:crypto');
const tls = require('node:tls');
if (crypto.createHash('sha256').update('').digest('hex').slice(0, 4) !== 'e3b0') throw 1;
if (!tls.rootCertificates.length) throw 2;
fetch('data:text/plain,au2').then((answer) => answer.text()).then((text) => {
  if (text !== 'au2') throw 3;
  console.log('tried: Node.js', process.version, 'crypto, fetch');
});
"""

R = """\
model <- lm(dist ~ speed, cars)
stopifnot(abs(coef(model)[["speed"]] - 3.932) < 0.001)
stopifnot(jsonlite::fromJSON("[1, 2]") == c(1, 2))
png(tempfile(), type = "cairo"); plot(cars); invisible(dev.off())
cat("tried:", R.version.string, "linear model, plot, jsonlite\\n")
"""

SHELL = """\
set -e
test "$(printf '{"a": [1, 2]}' | jq -c '.a')" = '[1,2]'
curl --version >/dev/null
echo "tried: jq, curl"
"""

CODES = {
    "Python3.11": STANDARD_LIBRARY,
    "Python3.13": STANDARD_LIBRARY,
    "Python3.13 Data Science": DATA_SCIENCE,
    "Shell": SHELL,
    "Node18": JAVASCRIPT,
    "Node20": JAVASCRIPT,
    "Node24": JAVASCRIPT,
    "R4.2": R,
    "R4.5": R,
    "Python3.11 Torch": TORCH,
    "Python3.8 Torch": TORCH,
    "Python3.11 Tensorflow": TENSORFLOW,
    "SF Runtime": SNOWFLAKE,
    "SF-XGB Runtime": XGBOOST,
}
"""By runtime, in the order in which they are built: a base comes first."""

"""The HTTP edge: connections and requests are bounded before anything knows who sends them."""

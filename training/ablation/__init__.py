"""The paper's tables as data, and reports of our figures beside them."""

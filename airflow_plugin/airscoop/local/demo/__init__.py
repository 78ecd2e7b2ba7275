"""./run demo: a DAG on made data, against the local stack."""

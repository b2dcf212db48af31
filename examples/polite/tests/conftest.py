pytest_plugins = ["qless_flask.testing.fixtures"]

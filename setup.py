"""What pyproject.toml cannot say: find the packages, and map static/ to qless_flask/static beside them."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["qless_flask*"]), "qless_flask.static"],
    package_dir={"qless_flask.static": "static"},
)

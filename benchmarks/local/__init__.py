"""How fast a model of this machine answers, by how it is served."""

"""The user's data: files of many forms into arrays ``[steps, batch, *shape]`` for the inputs."""

"""Where rows go: each module writes any Arrow stream to one kind of place, whole or not at all."""

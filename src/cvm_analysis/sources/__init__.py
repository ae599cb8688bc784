"""Where rows come from: files as they were delivered."""

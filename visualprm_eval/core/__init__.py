"""What every other folder may use: types, errors, options, steps, folders, files, secrets, progress."""

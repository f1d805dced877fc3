"""What a grader of VLMEvalKit may do while it works on texts of models."""

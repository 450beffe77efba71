"""What each verb does, without options and printing."""

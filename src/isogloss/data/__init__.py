"""Sources → tasks → bags → streams of batches: how data comes in."""

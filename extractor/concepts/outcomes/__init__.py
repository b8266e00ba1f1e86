"""What is measured: endpoints with their measures, methods, time points and thresholds."""

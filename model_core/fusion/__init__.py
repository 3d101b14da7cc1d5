"""Stage 6, fusion: satellite and street-view features of one place become one."""

"""What runs in the background of QGIS: the tasks and threads of the panel."""

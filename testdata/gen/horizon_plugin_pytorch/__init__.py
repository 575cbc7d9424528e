"""Stand-in with the names of the plugin's public Python part, so that traced files have its shape.

Own code: functions forward as the plugin's do, operators are computed by numpy in `kernels`.
"""

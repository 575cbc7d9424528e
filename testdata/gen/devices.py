"""Makes testdata/devices: every place a device can be written, for `to-device`.

    python testdata/gen/devices.py --out testdata/devices
"""
import common

common.neutral()

import models.devices_data
import models.devices_text

if __name__ == "__main__":
    common.main("devices.py")

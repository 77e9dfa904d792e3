"""Configurations of ESPHome with substitutions that are Jinja expressions."""

from pathlib import Path

from esphome import yaml_util
from esphome.components.substitutions import do_substitution_pass

Path("device.yaml").write_text(
    "substitutions:\n  name: kitchen\n  pins: {led: 4, fan: 5}\n  count: 3\n  double: ${count * 2}\n  rooms: [a, 'b & c']\n"
    "esphome:\n  name: ${name}_${count}\n  comment: ${name|upper} ${rooms|join(', ')}\n"
    "output:\n  - platform: gpio\n    pin: ${pins.led}\n    inverted: ${pins.led > 3}\n"
    "    extra: \"${ {'a': double, 'b': [1, 2]} }\"\n    half: ${count / 2}\n    text: '${ \"GPIO\" ~ pins.fan }'\n"
    "    power: '${ (2 ** count)|string }'\n    missing: $missing ${unknown}\n"
)
try:
    configuration = do_substitution_pass(yaml_util.load_yaml(Path("device.yaml")), None)
except TypeError:
    configuration = yaml_util.load_yaml(Path("device.yaml"))
    do_substitution_pass(configuration, None)
print(yaml_util.dump(configuration))

"""DemoWorld: the bundled benchmark of generated pictures.

Data: ``tasks/demo_world/assets/DemoWorld.tsv``, 360 problems made by ``visualprm_eval.tasks.demo_world.world``. Open
answers. The host's class takes the final answer itself and compares it with the host's exact-match metric; no judge.
"""

from __future__ import annotations

from visualprm_eval.tasks.base import Task

TASK = Task(name="DemoWorld", host_dataset="DemoWorld", size=360, is_bundled=True, prediction="raw")

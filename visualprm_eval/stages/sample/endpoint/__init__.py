"""Policies behind OpenAI-compatible endpoints: vLLM, SGLang, LMDeploy, llama.cpp, commercial ones.

``policy`` is what the sample stage calls; ``dispatch`` deals requests to endpoints, whose health ``endpoint_health``
knows; ``request`` and ``reply`` are the protocol, ``client`` its transport; ``first_contact`` finds out whether servers
are there and which fields they take, their ``dialect``; ``stored_key`` finds the key of samples that are there;
``options`` say how patient to be.
"""

from __future__ import annotations

from visualprm_eval.stages.sample.endpoint.options import EndpointOptions, Patience
from visualprm_eval.stages.sample.endpoint.policy import EndpointPolicy

__all__ = ["EndpointOptions", "EndpointPolicy", "Patience"]

"""Generated names for flow runs: two words that are easy to say and to remember."""

from __future__ import annotations

import random
from typing import List


def _words(text: str) -> List[str]:
    return text.split()


_ADJECTIVES = _words("""
able airy amber ample apt avid bold brave breezy bright brisk calm candid careful clever cosy crisp
curious daring deft eager early easy fair fancy fleet fond frank fresh gentle glad golden grand happy
hardy hearty humble jolly keen kind lively loyal lucid lucky mellow merry mild modest neat nimble noble
patient placid plucky polite prompt proud quick quiet ready robust rosy serene sharp shiny silent sincere
smart smooth snug sober solid spry steady sunny sure swift tidy upbeat vivid warm wise witty zesty
""")

_ANIMALS = _words("""
adder alpaca ant auk badger bat bear beaver bee bison bittern boar bream camel carp cat civet cod condor
coot crab crane crow curlew deer dingo dog dove duck eagle eel egret elk emu falcon ferret finch fox frog
gecko gibbon goat goose grebe grouse gull hare hawk hen heron horse ibex ibis jackal jay kestrel kite kiwi
koala lark lemur linnet lion llama lynx magpie marten mink mole moose moth mouse newt ocelot okapi orca
osprey otter owl ox panda perch pigeon pika pike plover pony puffin puma quail rabbit raven robin rook
salmon seal shrew skink sloth snipe sparrow squid stoat stork swan swift tapir tern thrush tiger toad
trout turtle vole walrus wasp weasel whale wolf wombat wren yak zebra
""")


def new_name() -> str:
    """Such as ``brave-otter``. Not unique."""
    return f"{random.choice(_ADJECTIVES)}-{random.choice(_ANIMALS)}"

"""Making, rotating, revoking and listing bearer tokens, and what they open."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from serinus.adapters.memory.calls import MemoryCalls
from serinus.adapters.memory.decisions import MemoryDecisions
from serinus.adapters.memory.documents import MemoryDocuments
from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.memory.policies import MemoryPolicies
from serinus.adapters.stored.ledger import StoredLedger
from serinus.adapters.stored.tokens import StoredTokens
from serinus.domain.ledger import Action, LedgerEntry, first_broken
from serinus.domain.policy import EndpointName, Policy
from serinus.domain.serving import Authorisation, Serving
from serinus.domain.token import Bearer, TokenState
from serinus.errors import EndpointNotFound, TokenNotFound, TokenRefused
from serinus.use_cases.authorise_caller import Authorising, authorise_caller
from serinus.use_cases.keep_tokens import Keeping, MadeToken
from serinus.use_cases.list_tokens import list_tokens
from serinus.use_cases.make_token import make_token
from serinus.use_cases.revoke_token import Revocation, revoke_token
from serinus.use_cases.rotate_token import rotate_token

_DAY = timedelta(days=1)
_BY_TOKEN = Serving(authorisation=Authorisation.TOKEN)


def a_policy(endpoint: str, serving: Serving) -> Policy:
    """Return a policy that says little else."""
    return Policy(EndpointName(endpoint), ("a@example.com",), serving=serving)


@dataclass
class World:
    """Endpoints `fraud`, `churn` and `counted` by token, the last with calls counted, and `plain` by IAM."""

    at: datetime = datetime(2026, 3, 4, 12, tzinfo=UTC)
    decisions: MemoryDecisions = field(default_factory=MemoryDecisions)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    counted: tuple[str, ...] = ("counted",)

    def __post_init__(self) -> None:
        counting = replace(_BY_TOKEN, throttle_callers=True)
        by_token = {name: counting if name in self.counted else _BY_TOKEN for name in ("fraud", "churn", "counted")}
        policies = [a_policy(name, serving) for name, serving in (by_token | {"plain": Serving()}).items()]
        drawn = count(1)
        self.keeping = Keeping(
            MemoryPolicies(*policies),
            StoredTokens(self.documents),
            StoredLedger(self.documents, MemoryObjects()),
            self.decisions,
            lambda: self.at,
            lambda size: next(drawn).to_bytes(size, "big"),
        )
        self.authorising = Authorising(self.keeping.tokens, MemoryCalls(), lambda: self.at)

    def make(self, endpoint: str = "fraud", *, name: str = "ci", calls_per_minute: int | None = None) -> MadeToken:
        """Make a token for a day."""
        return make_token(
            endpoint,
            name=name,
            lifetime=_DAY,
            actor="anna",
            keeping=self.keeping,
            calls_per_minute=calls_per_minute,
        )

    def rotate(self, *, overlap: timedelta, lifetime: timedelta | None = None) -> MadeToken:
        """Rotate the token `ci` of `fraud`."""
        return rotate_token(
            "fraud", name="ci", overlap=overlap, lifetime=lifetime, actor="bert", keeping=self.keeping
        )

    def revoke(self, wanted: str = "ci", endpoint: str = "fraud") -> Revocation:
        """Revoke."""
        return revoke_token(endpoint, wanted=wanted, actor="anna", keeping=self.keeping)

    def opens(self, bearer: Bearer, endpoint: str = "fraud") -> bool:
        """Whether the token lets its bearer in."""
        shown = authorise_caller(endpoint, f"Bearer {bearer.text}", authorising=self.authorising)
        return shown is not None

    def entries(self, endpoint: str = "fraud") -> list[LedgerEntry]:
        """What is on record; the chain holds."""
        entries = list(self.keeping.ledger.entries(endpoint))
        assert first_broken(entries) is None
        return entries


@pytest.fixture
def world() -> World:
    """A world without tokens."""
    return World()


def test_a_token_opens_its_endpoint_and_no_other(world: World) -> None:
    """Until it expires."""
    made = world.make()
    assert world.opens(made.bearer)
    assert not world.opens(made.bearer, "churn")
    assert not world.opens(made.bearer, "nowhere")
    assert not world.opens(Bearer(made.bearer.id, "0" * 64))
    world.at += _DAY
    assert not world.opens(made.bearer)


def test_the_secret_is_stored_nowhere(world: World) -> None:
    """Neither in the token's document nor on record; nor is its digest on record."""
    made = world.make()
    world.rotate(overlap=_DAY)
    stored = [document.body for _, document in world.documents.list("endpoint#fraud", "")]
    assert stored
    assert not [body for body in stored if made.bearer.secret in body]
    told = json.dumps([asdict(entry) for entry in world.entries()], default=str)
    assert made.token.digest not in told


def test_each_deed_is_on_record(world: World) -> None:
    """Who made, rotated and revoked what."""
    first = world.make()
    second = world.rotate(overlap=_DAY)
    world.revoke()
    made, rotated, *revoked = world.entries()
    assert (made.action, made.actor, made.details["token"]) == (Action.TOKEN_MADE, "anna", first.token.id)
    assert (rotated.action, rotated.actor) == (Action.TOKEN_ROTATED, "bert")
    assert (rotated.details["token"], rotated.details["replaced"]) == (second.token.id, first.token.id)
    assert [entry.action for entry in revoked] == [Action.TOKEN_REVOKED] * 2
    assert {entry.details["token"] for entry in revoked} == {first.token.id, second.token.id}


def test_a_name_is_given_once(world: World) -> None:
    """Until its token opens nothing any more."""
    world.make()
    with pytest.raises(TokenRefused, match="rotate or revoke it"):
        world.make()
    world.make(name="laptop")
    world.revoke()
    assert world.opens(world.make().bearer)


@pytest.mark.parametrize("name", ["", "CI", "a b", "-ci", "ci/1", "c" * 64, "ci\n", "ünder"])
def test_a_name_can_be_read_anywhere(world: World, name: str) -> None:
    """It goes into logs and tables."""
    with pytest.raises(TokenRefused, match="cannot name a token"):
        world.make(name=name)
    assert world.entries() == []


def test_an_endpoint_that_asks_for_no_tokens_gets_none(world: World) -> None:
    """The sentence says what to change."""
    with pytest.raises(TokenRefused, match=r"authorised by 'iam'.*serving.authorisation = 'token'"):
        world.make("plain")
    with pytest.raises(EndpointNotFound):
        world.make("nowhere")


def test_a_bound_needs_calls_to_be_counted(world: World) -> None:
    """Where API Gateway remembers its answers, nobody counts."""
    with pytest.raises(TokenRefused, match="throttle_callers"):
        world.make(calls_per_minute=3)


def test_a_bounded_token_is_turned_away_until_the_minute_is_over(world: World) -> None:
    """Another token of the endpoint is not bounded by it."""
    bounded = world.make("counted", calls_per_minute=2)
    free = world.make("counted", name="free")
    assert [world.opens(bounded.bearer, "counted") for _ in range(4)] == [True, True, False, False]
    assert all(world.opens(free.bearer, "counted") for _ in range(9))
    world.at += timedelta(minutes=1)
    assert world.opens(bounded.bearer, "counted")


def test_a_wrong_secret_is_not_counted(world: World) -> None:
    """Who knows an id alone cannot use up its calls."""
    bounded = world.make("counted", calls_per_minute=1)
    assert not world.opens(Bearer(bounded.bearer.id, "0" * 64), "counted")
    assert world.opens(bounded.bearer, "counted")


def test_a_rotated_token_goes_on_for_a_while(world: World) -> None:
    """Callers can change over; then the old one opens nothing, and the new one lives as long as the old one did."""
    old = world.make()
    new = world.rotate(overlap=timedelta(hours=1))
    assert world.opens(old.bearer)
    assert world.opens(new.bearer)
    assert new.token.expires_at - new.token.created_at == _DAY
    world.at += timedelta(hours=1)
    assert not world.opens(old.bearer)
    assert world.opens(new.bearer)


def test_rotating_without_overlap_revokes(world: World) -> None:
    """At once, where the gateway can be made to forget."""
    old = world.make()
    new = world.rotate(overlap=timedelta(0), lifetime=timedelta(days=7))
    assert not world.opens(old.bearer)
    assert world.opens(new.bearer)
    assert new.token.expires_at == world.at + timedelta(days=7)
    assert new.at_once
    assert world.decisions.forgotten == 1


def test_a_rotated_token_keeps_its_bound(world: World) -> None:
    """Rotating is no way around it."""
    world.make("counted", calls_per_minute=1)
    new = rotate_token("counted", name="ci", overlap=_DAY, actor="anna", keeping=world.keeping)
    assert [world.opens(new.bearer, "counted") for _ in range(2)] == [True, False]


def test_only_what_opens_something_can_be_rotated(world: World) -> None:
    """A revoked token is not brought back by rotating it."""
    world.make()
    world.revoke()
    with pytest.raises(TokenNotFound):
        world.rotate(overlap=_DAY)


def test_a_revoked_token_opens_nothing_and_the_gateway_forgets_it(world: World) -> None:
    """By id only the one is revoked, by name all of that name."""
    old = world.make()
    new = world.rotate(overlap=_DAY)
    assert [token.id for token in world.revoke(old.token.id).tokens] == [old.token.id]
    assert not world.opens(old.bearer)
    assert world.opens(new.bearer)
    revocation = world.revoke()
    assert [token.id for token in revocation.tokens] == [new.token.id]
    assert revocation.at_once
    assert not world.opens(new.bearer)
    assert world.decisions.forgotten == 2


def test_who_may_not_reset_the_gateway_is_told() -> None:
    """The token is revoked all the same, and what is remembered runs out."""
    world = World(decisions=MemoryDecisions(forgets=False))
    made = world.make()
    assert not world.revoke().at_once
    assert not world.opens(made.bearer)


def test_revoking_again_is_harmless(world: World) -> None:
    """It is on record once; what was never there is told."""
    world.make()
    world.revoke()
    world.at += timedelta(minutes=5)
    assert world.revoke().tokens == []
    assert [entry.action for entry in world.entries()] == [Action.TOKEN_MADE, Action.TOKEN_REVOKED]
    with pytest.raises(TokenNotFound, match="serinus token list fraud"):
        world.revoke("laptop")


def test_every_token_is_listed_with_its_state(world: World) -> None:
    """Those that open nothing any more, too."""
    world.make(name="gone")
    world.revoke("gone")
    world.make(name="late")
    world.at += timedelta(hours=23)
    world.make()
    world.at += timedelta(hours=2)
    listed = list_tokens("fraud", policies=world.keeping.policies, tokens=world.keeping.tokens, at=world.at)
    assert [(item.token.name, item.state) for item in listed] == [
        ("gone", TokenState.REVOKED),
        ("late", TokenState.EXPIRED),
        ("ci", TokenState.ACTIVE),
    ]


@pytest.mark.parametrize("header", [None, "", "Basic dXNlcjpwYXNz", "Bearer sr_short"])
def test_what_is_no_token_is_not_looked_up(world: World, header: str | None) -> None:
    """Garbage costs no read."""

    class Unreadable(MemoryDocuments):
        def get(self, partition: str, key: str) -> None:
            raise AssertionError(f"{partition} {key} was read")

    authorising = replace(world.authorising, tokens=StoredTokens(Unreadable()))
    assert authorise_caller("fraud", header, authorising=authorising) is None

"""`Tokens` over documents, and `Calls`: the same in memory and on DynamoDB."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from serinus.adapters.aws.calls import DynamoCalls
from serinus.adapters.aws.clients import Clients
from serinus.adapters.aws.decisions import GatewayDecisions
from serinus.adapters.memory.calls import MemoryCalls
from serinus.adapters.stored.tokens import StoredTokens
from serinus.domain.token import Token
from serinus.use_cases.ports.callers import Calls, Tokens
from tests.contract.builders import FRAUD
from tests.contract.clouds import AwsCloud, Cloud
from tests.contract.deployment import TABLE

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def a_token(token: str = "a" * 12, name: str = "ci", *, created: float = 0) -> Token:
    """Return a token."""
    at = NOW + timedelta(seconds=created)
    return Token(FRAUD, token, name, "0" * 64, "0000", at, at + timedelta(days=1), calls_per_minute=3)


@pytest.fixture
def tokens(cloud: Cloud) -> Tokens:
    """The tokens."""
    return StoredTokens(cloud.documents)


@pytest.fixture(params=["memory", "aws"])
def calls(request: pytest.FixtureRequest) -> Calls:
    """Each world's counts."""
    if request.param == "memory":
        return MemoryCalls()
    cloud: AwsCloud = request.getfixturevalue("aws")
    cloud.documents.list(FRAUD, "")  # makes the table
    clients: Clients = request.getfixturevalue("clients")
    return DynamoCalls(clients.dynamodb, TABLE)


def test_what_was_kept_is_read_back(tokens: Tokens) -> None:
    """By id, and all of them in the order they were made; the guard is none of them."""
    second, first = a_token("a" * 12, created=1), a_token("b" * 12, "laptop")
    assert tokens.change(FRAUD, lambda _: [second, first]) == [second, first]
    assert tokens.get(FRAUD, second.id) == second
    assert tokens.get(FRAUD, "f" * 12) is None
    assert tokens.get("churn", second.id) is None
    assert tokens.list(FRAUD) == [first, second]


def test_a_change_is_decided_on_what_is_there(tokens: Tokens) -> None:
    """And replaces it; deciding on nothing writes nothing."""
    tokens.change(FRAUD, lambda _: [a_token()])
    tokens.change(FRAUD, lambda there: [token.revoked(NOW) for token in there])
    tokens.change(FRAUD, lambda _: [])
    assert tokens.list(FRAUD) == [a_token().revoked(NOW)]


@pytest.mark.usefixtures("eager_threads")
def test_of_racing_changes_each_sees_the_last(tokens: Tokens) -> None:
    """Four want one name: one gets it, and three see that it is gone."""

    def make(number: int) -> Sequence[Token]:
        made = a_token(f"{number:012x}", created=number)
        return tokens.change(FRAUD, lambda there: [] if there else [made])

    with ThreadPoolExecutor(4) as pool:
        made = [found for found in pool.map(make, range(4)) if found]
    assert made == [tokens.list(FRAUD)]


def test_a_minute_takes_so_many_calls(calls: Calls) -> None:
    """The next minute as many again; another token and another endpoint are counted apart."""
    token = a_token()
    at = NOW.replace(second=0)
    admitted = [calls.admit(token, at + timedelta(seconds=10 * n), at_most=3) for n in range(5)]
    assert admitted == [True, True, True, False, False]
    assert calls.admit(token, at + timedelta(seconds=60), at_most=3)
    assert calls.admit(replace(token, id="b" * 12), at, at_most=3)
    assert calls.admit(replace(token, endpoint=type(FRAUD)("churn")), at, at_most=3)


def test_counts_are_kept_apart_and_expire(aws: AwsCloud, clients: Clients) -> None:
    """In a partition that holds no documents, so that the authoriser needs no right to write in an endpoint's."""
    assert aws.documents.list("endpoint#fraud", "") == []
    DynamoCalls(clients.dynamodb, TABLE).admit(a_token(), NOW, at_most=3)
    assert aws.documents.list("endpoint#fraud", "") == []
    (item,) = clients.dynamodb.scan(TableName=TABLE)["Items"]
    assert item["pk"]["S"] == "calls#fraud"
    assert NOW.timestamp() < int(item["expires_at"]["N"]) <= (NOW + timedelta(hours=1)).timestamp()


def test_the_gateway_is_made_to_forget(clients: Clients) -> None:
    """Who may not is told so; another error is an error."""
    expected = {"ApiId": "a1", "StageName": "$default"}
    with Stubber(clients.apis) as gateway:
        decisions = GatewayDecisions(clients.apis, "a1")
        gateway.add_response("reset_authorizers_cache", {}, expected)
        assert decisions.forget()
        gateway.add_client_error("reset_authorizers_cache", "AccessDeniedException", expected_params=expected)
        assert not decisions.forget()
        gateway.add_client_error("reset_authorizers_cache", "NotFoundException", expected_params=expected)
        with pytest.raises(ClientError, match="NotFoundException"):
            decisions.forget()

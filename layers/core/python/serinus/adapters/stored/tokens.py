"""What is kept of bearer tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import TypeAdapter

from serinus.adapters.stored import keys
from serinus.adapters.stored.racing import retried
from serinus.domain.token import Token
from serinus.use_cases.ports.storage import Change, Document, Documents

_TOKEN = TypeAdapter(Token)  # here and not in `stored_as`, whose other types cost the authoriser a slower start


class StoredTokens:
    """`Tokens` over documents.

    Every change bumps a guard document in the same transaction, so that two changes never decide on the same state:
    no two tokens are made under one name, and none is made that a revocation under way would have missed.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, endpoint: str, token: str) -> Token | None:
        """Return the token of an id, or `None`."""
        document = self._documents.get(keys.partition(endpoint), keys.token(token))
        return None if document is None else _TOKEN.validate_json(document.body)

    def list(self, endpoint: str) -> Sequence[Token]:
        """Return every token, revoked and expired ones too, by when it was made."""
        return _in_order(self._stored(endpoint))

    def change(self, endpoint: str, decide: Callable[[Sequence[Token]], Sequence[Token]]) -> Sequence[Token]:
        """Store the tokens that `decide` returns for the endpoint's; where a race is lost, it decides again."""
        return retried(lambda: self._change(endpoint, decide))

    def _change(self, endpoint: str, decide: Callable[[Sequence[Token]], Sequence[Token]]) -> Sequence[Token]:
        partition = keys.partition(endpoint)
        guard = self._documents.get(partition, keys.GUARD_OF_TOKENS)  # first, so that it guards what is read
        stored = self._stored(endpoint)
        decided = decide(_in_order(stored))
        if not decided:
            return decided
        revisions = {key: document.revision for key, document in stored}
        changes = [
            Change(keys.token(token.id), _TOKEN.dump_json(token).decode(), revisions.get(keys.token(token.id)))
            for token in decided
        ]
        bump = Change(keys.GUARD_OF_TOKENS, str(guard.revision if guard else 0), guard.revision if guard else None)
        self._documents.put_all(partition, [*changes, bump])
        return decided

    def _stored(self, endpoint: str) -> Sequence[tuple[str, Document]]:
        return self._documents.list(keys.partition(endpoint), keys.TOKENS)


def _in_order(stored: Sequence[tuple[str, Document]]) -> Sequence[Token]:
    tokens = [_TOKEN.validate_json(document.body) for _, document in stored]
    return sorted(tokens, key=lambda token: (token.created_at, token.id))

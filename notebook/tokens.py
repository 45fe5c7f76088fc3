"""`/api/auth/token/`: an API token in exchange for a name and a password."""

from typing import Any

from django.contrib.auth import authenticate
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework import serializers, status
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.authentication import TokenAuthentication
from tasks.strict import StrictSerializer, StrictView

KnoxTokenScheme.match_subclasses = True  # ours is one, and must appear in the schema


class CredentialsSerializer(StrictSerializer):
    username = serializers.CharField(max_length=150)  # as of a user
    password = serializers.CharField(trim_whitespace=False)


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Send it as `Authorization: Token …`.")
    expires_at = serializers.DateTimeField()


class TokenView(StrictView):
    authentication_classes = (TokenAuthentication,)

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method == "POST" else IsAuthenticated()]

    def perform_authentication(self, request: Request) -> None:
        """Not for a POST: the token that the client still sends may have expired."""
        if request.method != "POST":
            super().perform_authentication(request)

    @extend_schema(request=CredentialsSerializer, responses=TokenSerializer, auth=[])
    def post(self, request: Request) -> Response:
        """A new token. It is stored hashed, so it can't be shown again."""
        form = CredentialsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = authenticate(request._request, **form.validated_data)
        if user is None:
            raise AuthenticationFailed(
                "The name or the password is wrong.", code="invalid_credentials"
            )
        row, token = AuthToken.objects.create(user)
        return Response(TokenSerializer({"token": token, "expires_at": row.expiry}).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revoke the token that this request carries."""
        request.auth.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

"""The administration pages of Starlette-Admin, with its own templates."""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette_admin import BaseAdmin, IntegerField, StringField
from starlette_admin.views import BaseModelView, CustomView, DropDown, Link


@dataclass
class Post:
    id: int
    title: str


POSTS = {1: Post(1, "a & b"), 2: Post(2, "<two>")}


class PostView(BaseModelView):
    identity = "post"
    name = "Post"
    label = "Posts"
    pk_attr = "id"
    fields = (IntegerField("id"), StringField("title", required=True))

    async def count(self, request, where=None):
        return len(POSTS)

    async def find_all(self, request, skip=0, limit=100, where=None, order_by=None):
        return list(POSTS.values())

    async def find_by_pk(self, request, pk):
        return POSTS.get(int(pk))

    async def find_by_pks(self, request, pks):
        return [POSTS[int(pk)] for pk in pks]

    async def create(self, request, data):
        raise NotImplementedError

    async def edit(self, request, pk, data):
        raise NotImplementedError

    async def delete(self, request, pks):
        raise NotImplementedError


application = Starlette()
admin = BaseAdmin(title="A & B")
admin.add_view(PostView())
admin.add_view(DropDown("More", views=[Link("Home", url="/"), CustomView("Own", path="/own")]))
admin.mount_to(application)
client = TestClient(application)
for address in (
    "/admin/",
    "/admin/post/list",
    "/admin/post/create",
    "/admin/post/detail/1",
    "/admin/post/edit/2",
    "/admin/own",
):
    answer = client.get(address)
    print(address, answer.status_code, answer.text)

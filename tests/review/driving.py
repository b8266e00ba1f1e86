"""What a curator does in the page, as the browser's driver does it."""

from playwright.sync_api import expect

from .runs import SEED


def open_record(page, record=SEED):
    page.locator(".queue a", has=page.get_by_text(record, exact=True)).click()
    expect(page.locator(".title code")).to_have_text(record)
    expect(page.locator(".card.opened")).to_be_visible()


def card(page, name):
    return page.locator(f".card[data-id='{name}']")


def unfold(page, name):
    if card(page, name).locator(".form").count() == 0:
        card(page, name).locator(".head").click()
    return card(page, name)


def drag_over(page, section, words):
    """Select words with the mouse, from their first character to their last."""
    ends = page.evaluate(
        """([section, words]) => {
          const pre = document.querySelector(`pre[data-section="${section}"]`);
          const at = pre.textContent.indexOf(words);
          const rect = (offset) => {
            const walker = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT);
            let left = offset;
            while (walker.nextNode() && left >= walker.currentNode.length) left -= walker.currentNode.length;
            const range = document.createRange();
            range.setStart(walker.currentNode, left);
            range.setEnd(walker.currentNode, left + 1);
            return range;
          };
          rect(at).startContainer.parentElement.scrollIntoView({ block: "center" });
          const [first, last] = [rect(at), rect(at + words.length - 1)].map((one) => one.getBoundingClientRect());
          return [first.left + 1, first.top + first.height / 2, last.right - 1, last.top + last.height / 2];
        }""",
        [section, words],
    )
    page.mouse.move(*ends[:2])
    was_visible = page.locator(".uses").is_visible()
    page.mouse.down()
    page.mouse.move(*ends[2:], steps=5)
    # What the words can become is offered when they are selected, not while they are.
    assert page.locator(".uses").is_visible() is was_visible
    page.mouse.up()
    expect(page.locator(".chosen")).to_be_visible()

"""Does it work better? Sets of pictures, and what is measured over them."""

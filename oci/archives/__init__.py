"""Archives of images: what they are, whether they are whole, and the image in them."""

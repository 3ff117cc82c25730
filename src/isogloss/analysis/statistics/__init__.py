"""Statistics of transfer matrices: is what one language brings to another related to how far apart they are?"""

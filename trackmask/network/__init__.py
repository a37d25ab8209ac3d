"""The network. Imports torch alone and nothing of ours."""

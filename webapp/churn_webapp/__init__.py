"""The web app: predictions for people, and the live story of every ChurnModel."""
